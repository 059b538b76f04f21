"""Whose money a page is about: the strip above every page, and what a ticket shows of the account that is chosen."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template

from brokers.models import BrokerAccount
from brokers.protocol import Environment

register = template.Library()

MIXED = "mixed"  # real money and play money side by side on one page


@register.simple_tag(takes_context=True)
def page_environment(context: dict[str, Any]) -> str:
    """Whose money a page is about that is not about one account: all that its person's accounts in use move."""
    user: Any = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated:
        return Environment.VIRTUAL
    accounts = BrokerAccount.objects.for_user(user).active().order_by()
    return strip_of(set(accounts.values_list("environment", flat=True).distinct()))


def strip_of(environments: set[str]) -> str:
    """What to say of accounts of these environments together: real money is never left unsaid."""
    if Environment.LIVE in environments and len(environments) > 1:
        return MIXED
    return max(environments, key=["virtual", "paper", "live"].index, default=Environment.VIRTUAL)


@register.simple_tag
def chosen_account(value: object, rooms: Iterable[Mapping[str, Any]]) -> BrokerAccount | None:
    """The account a ticket stands on: the one chosen in its field, else the first, as browsers show it."""
    accounts = [room["account"] for room in rooms]
    return next((each for each in accounts if str(each.pk) == str(value or "")), accounts[0] if accounts else None)


@register.filter
def environments_of(rooms: Iterable[Mapping[str, Any]]) -> list[str]:
    """The environments of a ticket's accounts, each once."""
    return list(dict.fromkeys(room["account"].environment for room in rooms))
