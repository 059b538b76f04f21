"""The socket's data frames as text: trades, books, and notices under AES-256-CBC."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

TRADES, BOOKS, NOTICES, PAPER_NOTICES = "H0STCNT0", "H0STASP0", "H0STCNI0", "H0STCNI9"


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to an own order. `kind`: 0 new, 1 modify, 2 cancel. `is_fill`: quantity and price are of this fill."""

    hts_id: str
    account: str
    number: str
    origin: str
    side: str  # 01 sell, 02 buy
    kind: str
    division: str
    symbol: str
    quantity: int
    price: int
    hour: str
    is_refused: bool
    is_fill: bool
    accepted: str  # 1 received, 2 confirmed, 3 the rest of an IOC or FOK canceled
    branch: str
    order_quantity: int
    order_price: int
    name: str
    exchange: str = "1"
    holder: str = "홍길동"

    @property
    def condition(self) -> str:
        """0 none, 1 IOC, 2 FOK."""
        iocs, foks = {"11", "13", "15", "42", "45"}, {"12", "14", "16", "43", "46"}
        return "1" if self.division in iocs else "2" if self.division in foks else "0"


def notice_fields(notice: Notice, width: int) -> list[str]:
    """26 fields, or the 23 with the compact tail."""
    head = [
        *(notice.hts_id, notice.account, notice.number, notice.origin, notice.side, notice.kind, notice.division),
        *(notice.condition, notice.symbol, f"{notice.quantity:010d}", f"{notice.price:09d}", notice.hour),
        *("1" if notice.is_refused else "0", "2" if notice.is_fill else "1", notice.accepted, notice.branch),
        *(f"{notice.order_quantity:09d}", notice.holder),
    ]
    own_price = f"{notice.order_price:09d}" if notice.is_fill else ""
    middle = [f"{notice.exchange}Y"] if width == 23 else ["", notice.exchange, "Y", ""]
    return [*head, *middle, "10", "", notice.name, own_price]


def frame(channel: str, records: Sequence[Sequence[str]]) -> str:
    """Plain, all records in one."""
    fields = "^".join(field for record in records for field in record)
    return f"0|{channel}|{len(records):03d}|{fields}"


def sealed_frame(channel: str, fields: Sequence[str], key: str, iv: str) -> str:
    """One record, encrypted with the 32 and 16 ASCII bytes the subscriber was told."""
    padder = PKCS7(128).padder()
    padded = padder.update("^".join(fields).encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key.encode("ascii")), modes.CBC(iv.encode("ascii"))).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    return f"1|{channel}|001|{b64encode(sealed).decode('ascii')}"
