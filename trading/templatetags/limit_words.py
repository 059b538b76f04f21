"""Pre-trade limits in words: what each is called, what it does, and its value as people read it."""

from decimal import Decimal

from django import template
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from markets.templatetags import figures
from trading.limits import Unit
from trading.services.safeguards.limit_rows import LimitView

register = template.Library()

WORDS = {
    "quote_age": (_("시세 나이"), _("이보다 오래된 시세로는 주문하지 않습니다.")),
    "price_collar_stock": (_("주식 가격 폭"), _("마지막 시세에서 이보다 멀리 떨어진 지정가는 보내지 않습니다.")),
    "price_collar_coin": (_("코인 가격 폭"), _("마지막 시세에서 이보다 멀리 떨어진 지정가는 보내지 않습니다.")),
    "order_amount": (_("주문 하나의 금액"), _("매수 주문 하나가 이 금액을 넘지 못합니다.")),
    "order_share": (_("주문 하나의 비중"), _("매수 주문 하나가 계좌 평가 금액의 이 비율을 넘지 못합니다.")),
    "first_orders_amount": (_("처음 주문의 금액"), _("탈 없이 체결된 주문이 쌓일 때까지 주문 하나의 금액을 더 작게 묶습니다.")),
    "first_orders": (_("처음 주문의 수"), _("탈 없이 체결된 주문이 이만큼 쌓이면 처음 주문의 금액 한도가 풀립니다.")),
    "instrument_share": (_("한 종목의 비중"), _("한 종목이 계좌 평가 금액의 이 비율을 넘게 사지 않습니다.")),
    "account_share": (_("보유 전체의 비중"), _("보유와 매수 주문을 모두 더해 계좌 평가 금액의 이 비율을 넘지 않습니다.")),
    "open_orders_lane": (_("같은 종목에 열린 주문"), _("같은 종목, 같은 방향으로 동시에 열어 둘 수 있는 주문입니다.")),
    "open_orders_account": (_("계좌에 열린 주문"), _("이 계좌에 동시에 열어 둘 수 있는 주문입니다.")),
    "orders_per_minute_plan": (_("1분 주문: 오토 스윙"), _("오토 스윙 하나가 1분에 낼 수 있는 주문입니다.")),
    "orders_per_minute_account": (_("1분 주문: 계좌"), _("이 계좌에서 1분에 낼 수 있는 주문입니다.")),
    "orders_per_minute_site": (_("1분 주문: 사이트"), _("모든 회원의 증권사 계좌를 더해 1분에 낼 수 있는 주문입니다.")),
    "duplicate_within": (_("같은 주문 막기"), _("종목, 방향, 수량이 같은 매수는 이 시간 안에 다시 나가지 않습니다.")),
    "self_cross": (_("내 주문끼리의 체결 막기"), _("내 다른 주문과 서로 체결될 주문은 내지 않습니다(가장매매).")),
    "daily_loss_account": (_("하루 손실: 계좌"), _("오늘 손실이 계좌의 이 비율을 넘으면 청산만 할 수 있게 멈춥니다.")),
    "daily_loss_plan": (_("하루 손실: 오토 스윙"), _("오늘 손실이 계좌의 이 비율을 넘은 오토 스윙은 청산만 할 수 있습니다.")),
    "rejects_in_row": (_("이어진 접수 거부"), _("증권사가 이만큼 이어서 거부하면 계좌가 청산만 할 수 있게 멈춥니다.")),
    "losses_in_row": (_("이어진 손실"), _("이만큼 이어서 손실로 끝난 오토 스윙은 청산만 할 수 있습니다.")),
}  # fmt: skip
SETTERS = {
    "start": _("기본값"),
    "account": _("이 계좌에서 정함"),
    "user": _("내 모든 계좌에 정함"),
    "site": _("관리자가 모두에게 정함"),
}


@register.filter
def limit_name(name: str) -> str:
    return str(WORDS[name][0]) if name in WORDS else name


@register.filter
def limit_meaning(name: str) -> str:
    return str(WORDS[name][1]) if name in WORDS else ""


@register.filter
def limit_setter(scope: str) -> str:
    """Who set the value that counts."""
    return str(SETTERS.get(scope, scope))


@register.filter
def limit_value(limit: LimitView, currency: str) -> str:
    """The value that counts now, with its unit."""
    return limit_text(limit.unit, limit.value, currency)


@register.filter
def coming_value(limit: LimitView, currency: str) -> str:
    """The looser value that counts later."""
    return limit_text(limit.unit, limit.coming, currency)


def limit_text(unit: Unit, value: Decimal | None, currency: str) -> str:
    """A value of a limit as people read it."""
    if value is None:
        return str(_("제한 없음"))
    if unit is Unit.RATE:
        return figures.rate(value)
    if unit is Unit.MONEY:
        return figures.money(value, currency)
    if unit is Unit.SWITCH:
        return str(_("막음") if value else _("막지 않음"))
    text = (
        ngettext("%(n)s초", "%(n)s초", int(value))
        if unit is Unit.SECONDS
        else ngettext("%(n)s건", "%(n)s건", int(value))
    )
    return text % {"n": figures.quantity(value)}
