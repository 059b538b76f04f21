"""Talking to the KIS sandbox with bare sockets: HTTP by http.client, WebSocket by hand. Nothing of the adapter."""

import base64
import http.client
import json
import os
import socket
import struct
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

from tests.servers.kis.access import default_key
from tests.servers.kis.client import KisSandbox

ORDER_CASH = "/uapi/domestic-stock/v1/trading/order-cash"
REVISE = "/uapi/domestic-stock/v1/trading/order-rvsecncl"
CCLD = "/uapi/domestic-stock/v1/trading/inquire-daily-ccld"
BALANCE = "/uapi/domestic-stock/v1/trading/inquire-balance"
BUYABLE = "/uapi/domestic-stock/v1/trading/inquire-psbl-order"
CANCELABLE = "/uapi/domestic-stock/v1/trading/inquire-psbl-rvsecncl"
QUOTATIONS = "/uapi/domestic-stock/v1/quotations"
PRICE = f"{QUOTATIONS}/inquire-price"
SAMSUNG = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
NO_PAGE = {"CTX_AREA_FK100": "", "CTX_AREA_NK100": ""}


class Said(NamedTuple):
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class Probe:
    """One customer of one environment, with the default key and account."""

    def __init__(self, sandbox: KisSandbox, environment: str = "live") -> None:
        self.sandbox, self.environment = sandbox, environment
        self.key = default_key(environment)
        self.account = {"CANO": self.key.accounts[0][:8], "ACNT_PRDT_CD": self.key.accounts[0][8:]}
        self.token = ""

    def call(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        """Raises OSError or http.client.HTTPException where no answer comes."""
        connection = http.client.HTTPConnection(urlsplit(self.sandbox.rest[self.environment]).netloc, timeout=20)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read(), {name.lower(): value for name, value in reply.getheaders()}
        finally:
            connection.close()

    def oauth(self, name: str, **data: str) -> Said:
        given = {"grant_type": "client_credentials", "appkey": self.key.appkey} | data
        headers = {"content-type": "application/json; charset=utf-8"}
        status, read, told = self.call("POST", f"/oauth2/{name}", json.dumps(given).encode(), headers)
        return Said(status, json.loads(read), told)

    def log_in(self) -> Self:
        self.token = self.oauth("tokenP", appsecret=self.key.appsecret).body["access_token"]
        return self

    def headers(self, tr: str, **others: str) -> dict[str, str]:
        secrets = {"appkey": self.key.appkey, "appsecret": self.key.appsecret}
        own = {"authorization": f"Bearer {self.token}", "tr_id": tr, "custtype": "P"}
        return {"content-type": "application/json; charset=utf-8"} | secrets | own | others

    def get(self, path: str, tr: str, query: dict[str, str], **headers: str) -> Said:
        status, read, told = self.call("GET", f"{path}?{urlencode(query)}", None, self.headers(tr, **headers))
        return Said(status, json.loads(read), told)

    def post(self, path: str, tr: str, body: dict[str, Any], **headers: str) -> Said:
        status, read, told = self.call("POST", path, json.dumps(body).encode(), self.headers(tr, **headers))
        return Said(status, json.loads(read), told)

    def tr(self, live: str) -> str:
        return live if self.environment == "live" else "V" + live[1:]

    def order(
        self, side: str = "buy", quantity: int = 10, price: int = 71_100, division: str = "00", **body: str
    ) -> Said:
        asked = {"PDNO": "005930", "ORD_DVSN": division, "ORD_QTY": str(quantity), "ORD_UNPR": str(price)}
        tr = self.tr("TTTC0012U" if side == "buy" else "TTTC0011U")
        return self.post(ORDER_CASH, tr, self.account | asked | {"EXCG_ID_DVSN_CD": "KRX"} | body)

    def revise(
        self, origin: str, kind: str = "02", quantity: int = 0, price: int = 0, whole: str = "Y", **body: str
    ) -> Said:
        asked = {"KRX_FWDG_ORD_ORGNO": "06010", "ORGN_ODNO": origin, "ORD_DVSN": "00", "RVSE_CNCL_DVSN_CD": kind}
        more = {"ORD_QTY": str(quantity), "ORD_UNPR": str(price), "QTY_ALL_ORD_YN": whole, "EXCG_ID_DVSN_CD": "KRX"}
        return self.post(REVISE, self.tr("TTTC0013U"), self.account | asked | more | body)

    def orders(self, day: str = "20261120", cont: str = "", tr: str = "TTTC0081R", **query: str) -> Said:
        asked = {
            "INQR_STRT_DT": day,
            "INQR_END_DT": day,
            "SLL_BUY_DVSN_CD": "00",
            "PDNO": "",
            "ORD_GNO_BRNO": "",
            "ODNO": "",
        }
        more = {"CCLD_DVSN": "00", "INQR_DVSN": "00", "INQR_DVSN_1": "", "INQR_DVSN_3": "00", "EXCG_ID_DVSN_CD": "KRX"}
        return self.get(CCLD, self.tr(tr), self.account | asked | more | NO_PAGE | query, tr_cont=cont)

    def balance(self, cont: str = "", **query: str) -> Said:
        asked = {"AFHR_FLPR_YN": "N", "OFL_YN": "", "INQR_DVSN": "01", "UNPR_DVSN": "01", "FUND_STTL_ICLD_YN": "N"}
        more = {"FNCG_AMT_AUTO_RDPT_YN": "N", "PRCS_DVSN": "00"}
        return self.get(BALANCE, self.tr("TTTC8434R"), self.account | asked | more | NO_PAGE | query, tr_cont=cont)

    def buyable(self, division: str = "01", price: str = "0") -> Said:
        asked = {
            "PDNO": "005930",
            "ORD_UNPR": price,
            "ORD_DVSN": division,
            "CMA_EVLU_AMT_ICLD_YN": "N",
            "OVRS_ICLD_YN": "N",
        }
        return self.get(BUYABLE, self.tr("TTTC8908R"), self.account | asked)

    def price(self) -> Said:
        return self.get(PRICE, "FHKST01010100", SAMSUNG)

    def approval(self) -> str:
        return str(self.oauth("Approval", secretkey=self.key.appsecret).body["approval_key"])


class Socket:
    """A WebSocket client of one thread: texts and control frames as they come."""

    def __init__(self, url: str, approval: str = "", path: str = "/tryitout") -> None:
        parts = urlsplit(url)
        self.approval = approval
        self._line = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
        name = base64.b64encode(os.urandom(16)).decode()
        self._line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {name}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._read = self._line.makefile("rb")
        self.status = self._read.readline().decode()
        while self._read.readline() not in {b"\r\n", b""}:
            pass

    def command(self, channel: str, name: str, kind: str = "1", **header: str) -> dict[str, Any]:
        """The acknowledgement (the next JSON text that is no PINGPONG)."""
        told = {"approval_key": self.approval, "custtype": "P", "tr_type": kind, "content-type": "utf-8"} | header
        self.send(json.dumps({"header": told, "body": {"input": {"tr_id": channel, "tr_key": name}}}))
        return self.json()

    def send(self, text: str, opcode: int = 1) -> None:
        payload, mask = text.encode(), os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xFE]) + struct.pack("!H", len(payload))
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self._line.sendall(bytes([0x80 | opcode]) + size + mask + masked)

    def text(self) -> str:
        """The next one. Raises EOFError where the line ends, TimeoutError where nothing comes."""
        head = self._read.read(2)
        if len(head) < 2:
            raise EOFError
        size = head[1] & 0x7F
        if size == 126:
            size = struct.unpack("!H", self._read.read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._read.read(8))[0]
        return self._read.read(size).decode()

    def json(self) -> dict[str, Any]:
        while True:
            text = self.text()
            if text.startswith("{") and "PINGPONG" not in text:
                told: dict[str, Any] = json.loads(text)
                return told

    def data(self) -> str:
        while True:
            text = self.text()
            if not text.startswith("{"):
                return text

    def wait_at_most(self, seconds: float) -> None:
        self._line.settimeout(seconds)

    def close(self) -> None:
        self._read.close()
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
