"""What opens one KIS account, handed in by whoever keeps it sealed. Nothing of it shows in a `repr`."""

import re
from dataclasses import dataclass, field

from brokers.protocol import Environment

_ACCOUNT = re.compile(r"[0-9]{8}")
_PRODUCT = re.compile(r"[0-9]{2}")
_HEADER_TEXT = re.compile(r"[\x21-\x7e]{1,512}")  # what may stand in an HTTP header: no space, no line break


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """One key pair with the account it trades. Raises ValueError for what cannot be such; the message quotes nothing."""

    environment: Environment
    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)
    account: str = field(repr=False)  # CANO, 8 digits
    product: str = field(default="01", repr=False)  # ACNT_PRDT_CD: 01 is a stock account
    hts_id: str = field(default="", repr=False)  # only for the notices of own executions

    def __post_init__(self) -> None:
        if self.environment not in {Environment.PAPER, Environment.LIVE}:
            raise ValueError("KIS has a practice server and a real one")
        if not (_ACCOUNT.fullmatch(self.account) and _PRODUCT.fullmatch(self.product)):
            raise ValueError("an account number is 8 digits and 2 digits")
        if not (_HEADER_TEXT.fullmatch(self.app_key) and _HEADER_TEXT.fullmatch(self.app_secret)):
            raise ValueError("the app key or its secret has characters no key has")

    def __repr__(self) -> str:
        return "<KIS credentials>"

    @property
    def owner(self) -> str:
        """The 10 digits by which notices name the account."""
        return self.account + self.product


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one environment listens; from the settings, never from a person."""

    rest: str  # "https://openapivts.koreainvestment.com:29443"
    ws: str  # "ws://ops.koreainvestment.com:31000"


ENDPOINTS = {
    Environment.LIVE: Endpoints("https://openapi.koreainvestment.com:9443", "ws://ops.koreainvestment.com:21000"),
    Environment.PAPER: Endpoints("https://openapivts.koreainvestment.com:29443", "ws://ops.koreainvestment.com:31000"),
}
