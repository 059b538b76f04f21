"""The WebSocket host of one environment: subscriptions, PINGPONG, frames as the market moves."""

import json
import socket
import threading
import time
from datetime import datetime
from typing import Any

from tests.servers.kis.access import LIVE, Key
from tests.servers.kis.frames import BOOKS, NOTICES, PAPER_NOTICES, TRADES, Notice, frame, notice_fields, sealed_frame
from tests.servers.kis.lines import Session
from tests.servers.kis.sandbox import VECTOR, Sandbox

_BAD = {
    "OPSP0002": "ALREADY IN SUBSCRIBE",
    "OPSP0003": "UNSUBSCRIBE ERROR (not found!)",
    "OPSP0008": "MAX SUBSCRIBE OVER",
    "OPSP0011": "invalid approval(appkey) : NOT FOUND",
    "OPSP8991": "SUBSCRIBE ERROR : invalid tr_id",
    "OPSP8992": "SUBSCRIBE ERROR : invalid tr_key",
    "OPSP8996": "ALREADY IN USE appkey",
    "OPSP8997": "JSON PARSING ERROR : invalid tr_type",
    "OPSP8998": "JSON PARSING ERROR : invalid custtype",
    "OPSP9990": "JSON PARSING ERROR : tr_key not found",
    "OPSP9991": "JSON PARSING ERROR : input not found",
    "OPSP9992": "JSON PARSING ERROR : body not found",
    "OPSP9998": "JSON PARSING ERROR : header not found",
    "OPSP9999": "JSON PARSING ERROR : invalid json format",
}
_NINES = {"OPSP8996", "OPSP0011"} | {code for code in _BAD if code.startswith("OPSP9")} | {"OPSP8997", "OPSP8998"}


class Hub:
    """All sessions of one environment."""

    def __init__(self, sandbox: Sandbox, environment: str) -> None:
        self.sandbox, self.environment = sandbox, environment
        self.sessions: list[Session] = []
        self.refuses = False  # new connections end at once
        self._lingering: dict[str, float] = {}  # until when a key whose session ended counts as in use
        self.opened = 0
        sandbox.on_notice[environment] = self.notice
        threading.Thread(target=self._ping, daemon=True).start()

    @property
    def notices(self) -> str:
        return NOTICES if self.environment == LIVE else PAPER_NOTICES

    def open(self, connection: socket.socket) -> Session:
        with self.sandbox.lock:
            is_same = self.sandbox.quirks["same_session_keys"]
            iv, secret = VECTOR if is_same else (self.sandbox.access.secret(16), self.sandbox.access.secret(32))
            session = Session(connection, iv, secret)
            self.sessions.append(session)
            self.opened += 1
            return session

    def close(self, session: Session) -> None:
        session.cut()
        with self.sandbox.lock:
            if session in self.sessions:
                self.sessions.remove(session)
                if session.key is not None:
                    seconds = float(self.sandbox.quirks["linger_seconds"])
                    self._lingering[session.key.appkey] = time.monotonic() + seconds

    def heard(self, session: Session, text: str) -> None:
        """One message of a client: an echoed PINGPONG, or a command."""
        try:
            told = json.loads(text)
        except ValueError:
            self._refuse(session, "(null)", "", "OPSP9999")
            return
        header = told.get("header") if isinstance(told, dict) else None
        if not isinstance(header, dict):
            self._refuse(session, "(null)", "", "OPSP9998")
        elif header.get("tr_id") == "PINGPONG":
            session.unanswered_since = None
        else:
            self._command(session, header, told)

    def _command(self, session: Session, header: dict[str, Any], told: dict[str, Any]) -> None:
        body = told.get("body")
        asked = body.get("input") if isinstance(body, dict) else None
        if not isinstance(asked, dict):
            self._refuse(session, "(null)", "", "OPSP9991" if isinstance(body, dict) else "OPSP9992")
            return
        channel, name = str(asked.get("tr_id", "")), str(asked.get("tr_key", ""))
        with self.sandbox.lock:
            problem = self._problem(session, header, channel, name)
            if problem == "drop":
                session.cut()
                return
            if problem:
                is_named = problem not in {"OPSP8996", "OPSP0011"}
                self._refuse(session, channel if is_named else "(null)", name if is_named else "", problem)
                return
            answer: dict[str, Any] = {"rt_cd": "0", "msg_cd": "OPSP0001", "msg1": "UNSUBSCRIBE SUCCESS"}
            if header["tr_type"] == "1":
                session.subscribed[channel, name] = None
                keys = {"iv": session.iv, "key": session.secret}
                answer = {"rt_cd": "0", "msg_cd": "OPSP0000", "msg1": "SUBSCRIBE SUCCESS", "output": keys}
            else:
                del session.subscribed[channel, name]
            self._answer(session, channel, name, answer)

    def _problem(self, session: Session, header: dict[str, Any], channel: str, name: str) -> str:
        """The code of the first thing that is wrong; "" for nothing, "drop" where the server just hangs up."""
        key = self.sandbox.access.approved(self.environment, header.get("approval_key"), self.sandbox.now())
        if session.key is None:  # an open session is not asked again
            others = [each for each in self.sessions if each.key is key and each is not session and each.is_open]
            if key is None:
                return "OPSP0011"
            is_used = bool(others) and self.sandbox.quirks["second_session"] == "refused"
            if is_used or time.monotonic() < self._lingering.get(key.appkey, 0.0):
                return "OPSP8996"
            for other in others:
                other.cut()
            session.key = key
        if header.get("custtype") not in {"P", "B"}:
            return "OPSP8998"
        if header.get("tr_type") not in {"1", "2"}:
            return "OPSP8997"
        return self._problem_with(session, session.key, header["tr_type"], channel, name)

    def _problem_with(self, session: Session, key: Key, wish: str, channel: str, name: str) -> str:
        is_known = (channel, name) in session.subscribed
        is_notice = channel == self.notices
        problems = {
            "OPSP8991": channel not in {TRADES, BOOKS, self.notices},
            "OPSP9990": not name,
            "OPSP0003": wish == "2" and not is_known,
            "": wish == "2",
            "OPSP0002": is_known,
            "drop": is_notice and name != key.hts_id,
            "OPSP8992": not is_notice and name not in self.sandbox.market.issues,
            "OPSP0008": len(session.subscribed) >= self.sandbox.quirks["most_registrations"],
        }
        return next((code for code, is_so in problems.items() if is_so), "")

    def _refuse(self, session: Session, channel: str, name: str, code: str) -> None:
        self._answer(
            session, channel, name, {"rt_cd": "9" if code in _NINES else "1", "msg_cd": code, "msg1": _BAD[code]}
        )

    def _answer(self, session: Session, channel: str, name: str, body: dict[str, Any]) -> None:
        header = {"tr_id": channel, "tr_key": name, "encrypt": "Y" if channel == self.notices else "N"}
        session.send(json.dumps({"header": header, "body": body}, ensure_ascii=False, separators=(",", ":")))

    def publish(self, channel: str, name: str, records: list[list[str]]) -> None:
        """Several records go out in one frame."""
        text = frame(channel, records)
        with self.sandbox.lock:
            listeners = [session for session in self.sessions if (channel, name) in session.subscribed]
            times = 2 if self.sandbox.quirks["duplicate_frames"] else 1
            if listeners:
                self.sandbox.sent.append((time.time(), channel, text))
        for session in listeners:
            for _again in range(times):
                session.send(text)

    def notice(self, notice: Notice) -> None:
        with self.sandbox.lock:
            width = int(self.sandbox.quirks[f"notice_width_{self.environment}"])
            fields = notice_fields(notice, width)
            times = 2 if self.sandbox.quirks["duplicate_frames"] else 1
            for session in list(self.sessions):
                if (self.notices, notice.hts_id) in session.subscribed:
                    for _again in range(times):
                        session.send(sealed_frame(self.notices, fields, session.secret, session.iv))

    def reset(self) -> None:
        """No session, as if just started."""
        self.cut_all()
        with self.sandbox.lock:
            self._lingering, self.refuses, self.opened = {}, False, 0

    def cut_all(self) -> int:
        with self.sandbox.lock:
            sessions = list(self.sessions)
        for session in sessions:
            self.close(session)
        return len(sessions)

    def say(self, text: str) -> None:
        """Any text to everybody: recorded frames, or nonsense."""
        with self.sandbox.lock:
            sessions = list(self.sessions)
        for session in sessions:
            session.send(text)

    def _ping(self) -> None:
        last = time.monotonic()
        cut_at = self.sandbox.now()
        while True:
            time.sleep(0.05)
            now = time.monotonic()
            with self.sandbox.lock:
                seconds, grace = float(self.sandbox.quirks["ping_seconds"]), float(self.sandbox.quirks["ping_grace"])
                every = float(self.sandbox.quirks["cut_every"])
                sessions = list(self.sessions)
            if not every or (self.sandbox.now() - cut_at).total_seconds() >= every:
                cut_at = self.sandbox.now()
                sessions = [] if every and self.cut_all() else sessions
            for session in sessions:
                if session.unanswered_since is not None and now - session.unanswered_since > grace:
                    self.close(session)
            if now - last < seconds:
                continue
            last = now
            for session in sessions:
                session.unanswered_since = session.unanswered_since or now
                session.send(pingpong(self.sandbox.now()))


def pingpong(at: datetime) -> str:
    header = {"tr_id": "PINGPONG", "datetime": f"{at:%Y%m%d%H%M%S}"}
    return json.dumps({"header": header}, separators=(",", ":"))
