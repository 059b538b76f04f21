"""How long a wrong guess costs. Waits double up to a ceiling: guessing is bounded, and no owner is shut out for good.

Requirement I37: at most 20 tries an hour against one account, from however many addresses.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

LONGEST_WAIT = timedelta(minutes=15)
UNKNOWN_BLOCK = "unknown"


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` wrong tries cost nothing, the next 1, 2, 4 … seconds; after `memory` all is forgotten."""

    free: int
    memory: timedelta

    def wait_after(self, failures: int) -> timedelta:
        """The pause after that many wrong tries in a row."""
        doublings = failures - self.free - 1
        if doublings < 0:
            return timedelta(0)
        # 2^20 s is far beyond the ceiling; without the bound a long attack would build huge numbers.
        return min(timedelta(seconds=2 ** min(doublings, 20)), LONGEST_WAIT)


# One account from one address block, or from one device that has signed in to it before.
PER_ACCOUNT_AND_PLACE = Limit(free=0, memory=timedelta(hours=24))
# One account from anywhere: 18 tries in the first hour, then 4 an hour. Known devices are neither counted nor stopped.
PER_ACCOUNT = Limit(free=5, memory=timedelta(hours=24))
# One address block against any account: an office behind one address has its share of typing errors.
PER_PLACE = Limit(free=30, memory=timedelta(hours=1))
# Forms that create people or send mail, per address block; and mails to one address.
SIGN_UPS_PER_PLACE = Limit(free=20, memory=timedelta(hours=1))
RESETS_PER_PLACE = Limit(free=20, memory=timedelta(hours=1))
RESETS_PER_ACCOUNT = Limit(free=3, memory=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Count:
    """What one counter remembers: wrong tries in a row, the last of them, and until when it asks to wait."""

    failures: int
    last_at: datetime
    blocked_until: datetime


def counted(limit: Limit, before: Count | None, now: datetime) -> Count:
    """The counter after one more wrong try at `now`. What is older than the limit's memory counts no more."""
    failures = 1 if before is None or now - before.last_at > limit.memory else before.failures + 1
    return Count(failures, now, now + limit.wait_after(failures))


def address_block(address: str) -> str:
    """The network one household or office is likely to hold: /24 for IPv4, /64 for IPv6 (mapped IPv4 counts as IPv4).

    Anything that is no address shares one block.
    """
    try:
        ip = ip_address(address.strip())
    except ValueError:
        return UNKNOWN_BLOCK
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ip_network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip_network(f"{ip}/24", strict=False))
