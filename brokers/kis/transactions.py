"""The names KIS gives its services (TR ids), by environment. 0011 sells and 0012 buys: a slip here turns an order round."""

from enum import StrEnum
from types import MappingProxyType

from brokers.protocol import Environment


class Service(StrEnum):
    SELL = "sell"
    BUY = "buy"
    CHANGE = "change"  # modify or cancel
    CHANGEABLE = "changeable"
    ORDERS = "orders"  # of the last three months
    OLD_ORDERS = "old_orders"
    BALANCE = "balance"
    BUYABLE = "buyable"
    SELLABLE = "sellable"
    PRICE = "price"
    BOOK = "book"
    DAILY_BARS = "daily_bars"
    MINUTES_TODAY = "minutes_today"
    MINUTES_OF_DAY = "minutes_of_day"
    HOLIDAYS = "holidays"


class NotOffered(LookupError):
    """The environment has no such service."""

    code = "not_offered"


LIVE = MappingProxyType(
    {
        Service.SELL: "TTTC0011U",
        Service.BUY: "TTTC0012U",
        Service.CHANGE: "TTTC0013U",
        Service.CHANGEABLE: "TTTC0084R",
        Service.ORDERS: "TTTC0081R",
        Service.OLD_ORDERS: "CTSC9215R",
        Service.BALANCE: "TTTC8434R",
        Service.BUYABLE: "TTTC8908R",
        Service.SELLABLE: "TTTC8408R",
        Service.PRICE: "FHKST01010100",
        Service.BOOK: "FHKST01010200",
        Service.DAILY_BARS: "FHKST03010100",
        Service.MINUTES_TODAY: "FHKST03010200",
        Service.MINUTES_OF_DAY: "FHKST03010230",
        Service.HOLIDAYS: "CTCA0903R",
    }
)
# Written out, not derived: replacing the first letter is right for these and wrong for others of KIS.
PAPER = MappingProxyType(
    {
        Service.SELL: "VTTC0011U",
        Service.BUY: "VTTC0012U",
        Service.CHANGE: "VTTC0013U",
        Service.ORDERS: "VTTC0081R",
        Service.OLD_ORDERS: "VTSC9215R",
        Service.BALANCE: "VTTC8434R",
        Service.BUYABLE: "VTTC8908R",
        Service.PRICE: "FHKST01010100",
        Service.BOOK: "FHKST01010200",
        Service.DAILY_BARS: "FHKST03010100",
        Service.MINUTES_TODAY: "FHKST03010200",
    }
)
_TABLES = {Environment.LIVE: LIVE, Environment.PAPER: PAPER}


def transaction(service: Service, environment: Environment) -> str:
    """The TR id. Raises NotOffered."""
    try:
        return _TABLES[environment][service]
    except KeyError:
        raise NotOffered(f"{service} in {environment}") from None
