"""What trading shows inside other pages: the order ticket, a plan's SIGNAL, the stream of hints."""

import re
from decimal import Decimal
from typing import Any, cast

from django import template
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import FORMS, Division
from markets import services as markets
from markets.models import Instrument
from markets.templatetags.figures import grouped
from trading import ledger, services
from trading.forms import INTERVALS, OrderTicket
from trading.models import Balance, Order, SwingPlan
from trading.models.plans import SIGNAL_LABELS
from trading.services.ordering.asked import divisions_of

register = template.Library()

ORDERS_SHOWN = 8
SHARES = (("0.1", "10%"), ("0.25", "25%"), ("0.5", "50%"), ("1", "100%"))


@register.inclusion_tag("trading/_order_ticket.html", takes_context=True)
def order_ticket(context: dict[str, Any], instrument: Instrument) -> dict[str, Any]:
    """`{% order_ticket instrument %}`: the ticket, for a page that trading does not own."""
    request: HttpRequest = context["request"]
    return ticket_context(request, OrderTicket.blank(cast("User", request.user), instrument), instrument)


@register.inclusion_tag("trading/_mine.html", takes_context=True)
def instrument_mine(context: dict[str, Any], instrument: Instrument) -> dict[str, Any]:
    """`{% instrument_mine instrument %}`: what the person's accounts hold of it, and their open orders."""
    request: HttpRequest = context["request"]
    return mine(request, instrument)


def mine(request: HttpRequest, instrument: Instrument) -> dict[str, Any]:
    """What `_mine.html` needs, in a handful of queries."""
    user = cast("User", request.user)
    orders = Order.objects.for_user(user).open().filter(instrument=instrument).select_related("instrument")
    return {
        "request": request,
        "user": user,
        "instrument": instrument,
        "positions": services.positions_in(user, instrument),
        "orders": list(orders.order_by("-created_at")[:ORDERS_SHOWN]),
    }


def ticket_context(request: HttpRequest, ticket: OrderTicket, instrument: Instrument) -> dict[str, Any]:
    """What `_order_ticket.html` needs: the form, the latest price, and what each account could spend or sell."""
    quote = markets.latest_quote(instrument)
    accounts = _accounts_with_room(request.user, instrument)
    return {
        "request": request,
        "user": request.user,
        "ticket": ticket,
        "instrument": instrument,
        "quote": quote,
        "change": quote.price / quote.base_price - 1 if quote and quote.base_price else None,
        "shares": SHARES,
        "accounts": accounts,
        "is_divided": any(room["divisions"] != Division.PLAIN for room in accounts),
        "division_types": " ".join(f"{division}:{form.order_type}" for division, form in FORMS.items()),
    }


def _accounts_with_room(user: Any, instrument: Instrument) -> list[dict[str, Any]]:
    accounts = list(BrokerAccount.objects.for_user(user).active())
    free = Balance.objects.filter(
        broker_account__in=accounts, bucket=ledger.AVAILABLE, asset__in=[instrument.currency, instrument.key]
    ).values_list("broker_account_id", "asset", "amount")
    room = {(account_id, asset): amount for account_id, asset, amount in free}
    return [
        {
            "account": account,
            "cash": room.get((account.pk, instrument.currency), 0),
            "quantity": room.get((account.pk, instrument.key), 0),
            "divisions": " ".join(sorted(divisions_of(account))),
        }
        for account in accounts
    ]


BUCKET_LABELS = {
    ledger.EXTERNAL: _("바깥"),
    ledger.AVAILABLE: _("주문 가능"),
    ledger.RESERVED: _("주문에 묶임"),
    ledger.FEES: _("수수료"),
    ledger.TAX: _("세금"),
    ledger.REALISED: _("실현 손익"),
}


@register.filter
def bucket_name(bucket: str) -> str:
    """A bucket of the ledger in words; a position's by its instrument."""
    kind, _separator, instrument = bucket.partition(":")
    return f"{_('보유')} {instrument}" if instrument else str(BUCKET_LABELS.get(kind, bucket))


PRICING_WORDS = {
    "ask": _("매도 호가"),
    "bid": _("매수 호가"),
    "to the tick": _("호가 단위 맞춤"),
    "slippage": _("슬리피지"),
    "totals": _("증권사의 누적 체결"),
}


@register.filter
def pricing_words(pricing: str) -> str:
    """How a fill was priced, from the audit trail (`ask 71,230 + 70 to the tick`) into the reader's language."""
    return re.sub("|".join(PRICING_WORDS), lambda found: str(PRICING_WORDS[found[0]]), pricing)


@register.filter
def interval_name(interval: str) -> str:
    """A bar's length in words: `1h` → `1시간`."""
    return str(INTERVALS.get(interval, interval))


@register.filter
def is_cancelable(order: Order) -> bool:
    """Whether a button may offer to call this order back."""
    return services.cancelable(order)


@register.filter
def signed_amount(amount: Decimal) -> str:
    """A posting's amount as it was booked, exact, with its sign."""
    return f"{'+' if amount > 0 else ''}{grouped(amount, None)}"


@register.inclusion_tag("trading/_signal.html")
def signal_dots(plan: SwingPlan, size: str = "") -> dict[str, Any]:
    """SIGNAL as a line of four dots, told in words as well."""
    dots = [{"number": number, "label": label} for number, label in SIGNAL_LABELS.items()]
    return {"dots": dots, "signal": plan.signal, "label": plan.get_signal_display(), "size": size}


@register.inclusion_tag("trading/_event_stream.html", takes_context=True)
def event_stream(context: dict[str, Any]) -> dict[str, Any]:
    """The page's stream of hints, with the stamp that `StateStamps` noted before the page read anything."""
    return {"stamp": context["request"].state_stamp}
