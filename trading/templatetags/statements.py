"""The lines of a statement in words: what a bucket is called, what an amount counts."""

from django import template
from django.utils.translation import gettext_lazy as _

from markets.templatetags.figures import currency_unit, grouped, units
from trading import ledger
from trading.services.ledger.statements import StatementLine
from trading.templatetags.trading_tags import BUCKET_LABELS

register = template.Library()
POSITION = ledger.position_bucket("").rstrip(":")
COST_OF = _("%(name)s 매수 금액")


@register.filter
def line_name(line: StatementLine) -> str:
    """What the line is about: `주문 가능`, or for what was paid for units `삼성전자 매수 금액`."""
    if line.bucket != POSITION:
        return str(BUCKET_LABELS.get(line.bucket, line.bucket))
    return str(COST_OF) % {"name": line.instrument.name if line.instrument else line.asset}


@register.filter
def line_asset(line: StatementLine) -> str:
    """Units go by the instrument's name, money by its currency."""
    return line.instrument.name if line.is_units and line.instrument else line.asset


@register.filter
def line_amount(line: StatementLine) -> str:
    """The amount as it was booked, exact, with its sign and unit: `−700,105원`, `+10주`, `+0.015 BTC`."""
    sign = "+" if line.amount > 0 else ""
    if line.is_units and line.instrument:
        return f"{sign}{units(line.amount, line.instrument)}"
    unit = currency_unit(line.asset)
    return f"{sign}{grouped(line.amount, None)}{unit if unit == '원' else f' {unit}'}"
