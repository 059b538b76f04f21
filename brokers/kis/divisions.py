"""KIS's codes for how an order is taken (ORD_DVSN), both ways: ours to theirs, and what a row of the order list is.

Left out: 07, abolished in September 2026; 21 to 24 (middle of the book, stops), listed for KRX but not known to work there;
27 to 29, which only NXT takes. In a list they are orders of another kind, never ours.
"""

from types import MappingProxyType
from typing import NamedTuple

from brokers.protocol import Division, OrderType, TimeInForce


class Kind(NamedTuple):
    """What one code says in our words."""

    division: Division
    order_type: OrderType
    time_in_force: TimeInForce


_D, _LIMIT, _MARKET = Division, OrderType.LIMIT, OrderType.MARKET
_DAY, _IOC, _FOK = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK
KINDS = MappingProxyType(
    {
        "00": Kind(_D.PLAIN, _LIMIT, _DAY),
        "01": Kind(_D.PLAIN, _MARKET, _DAY),
        "02": Kind(_D.CONDITIONAL, _LIMIT, _DAY),
        "03": Kind(_D.BEST, _MARKET, _DAY),
        "04": Kind(_D.FIRST, _MARKET, _DAY),
        "05": Kind(_D.PRE_OPEN, _MARKET, _DAY),
        "06": Kind(_D.POST_CLOSE, _MARKET, _DAY),
        "11": Kind(_D.PLAIN, _LIMIT, _IOC),
        "12": Kind(_D.PLAIN, _LIMIT, _FOK),
        "13": Kind(_D.PLAIN, _MARKET, _IOC),
        "14": Kind(_D.PLAIN, _MARKET, _FOK),
        "15": Kind(_D.BEST, _MARKET, _IOC),
        "16": Kind(_D.BEST, _MARKET, _FOK),
        "41": Kind(_D.AFTER, _LIMIT, _DAY),
        "42": Kind(_D.AFTER, _LIMIT, _IOC),
        "43": Kind(_D.AFTER, _LIMIT, _FOK),
        "44": Kind(_D.AFTER_BEST, _MARKET, _DAY),
        "45": Kind(_D.AFTER_BEST, _MARKET, _IOC),
        "46": Kind(_D.AFTER_BEST, _MARKET, _FOK),
        "47": Kind(_D.AFTER_FIRST, _MARKET, _DAY),
    }
)
ELSEWHERE = Kind(Division.OTHER, OrderType.LIMIT, TimeInForce.DAY)
CODES = MappingProxyType({kind: code for code, kind in KINDS.items()})
# The practice server is only known to take these.
PAPER_CODES = MappingProxyType({KINDS[code]: code for code in ("00", "01", "02", "03", "04")})


def kind_of(code: str) -> Kind:
    """What an order in the list is."""
    return KINDS.get(code, ELSEWHERE)
