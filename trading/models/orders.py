"""Orders: what we asked of a broker, and how far it has come. Nothing is deleted, only states move."""

from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from brokers.protocol import Division, OrderRequest, OrderType, TimeInForce
from markets.models import ExactDecimalField
from markets.types import Side
from trading import lifecycle
from trading.lifecycle import OrderState

SIDE_LABELS = {Side.BUY: _("매수"), Side.SELL: _("매도")}
TYPE_LABELS = {OrderType.MARKET: _("시장가"), OrderType.LIMIT: _("지정가"), OrderType.STOP: _("스톱")}
TIME_IN_FORCE_LABELS = {
    TimeInForce.DAY: _("당일"),
    TimeInForce.GTC: _("취소할 때까지"),
    TimeInForce.IOC: _("즉시 체결 후 잔량 취소"),
    TimeInForce.FOK: _("전량 즉시 체결 아니면 취소"),
}
DIVISION_LABELS = {
    Division.PLAIN: _("일반"),
    Division.CONDITIONAL: _("조건부지정가"),
    Division.BEST: _("최유리지정가"),
    Division.FIRST: _("최우선지정가"),
    Division.PRE_OPEN: _("장전 시간외"),
    Division.POST_CLOSE: _("장후 시간외"),
    Division.AFTER: _("애프터마켓 지정가"),
    Division.AFTER_BEST: _("애프터마켓 최유리"),
    Division.AFTER_FIRST: _("애프터마켓 최우선"),
}
PURPOSE_LABELS = {"manual": _("직접 주문"), "entry": _("진입"), "exit": _("청산")}
STATE_LABELS = {
    OrderState.DENIED: _("한도 거부"),
    OrderState.PENDING: _("전송 대기"),
    OrderState.WITHDRAWN: _("전송 전 회수"),
    OrderState.SUBMITTED: _("전송 중"),
    OrderState.UNKNOWN: _("증권사 확인 중"),
    OrderState.AMBIGUOUS: _("확인 필요"),
    OrderState.NOT_PLACED: _("접수되지 않음"),
    OrderState.REJECTED: _("접수 거부"),
    OrderState.ACCEPTED: _("접수"),
    OrderState.PARTIALLY_FILLED: _("일부 체결"),
    OrderState.FILLED: pgettext_lazy("order status", "체결"),
    OrderState.CANCELED: pgettext_lazy("order status", "취소"),
    OrderState.EXPIRED: _("기한 만료"),
}


def _in(states: frozenset[OrderState]) -> Q:
    return Q(state__in=sorted(state.value for state in states))


class OrderQuerySet(models.QuerySet["Order"]):
    def for_user(self, user: Any) -> Self:
        return self.filter(user_id=user.pk)

    def open(self) -> Self:
        return self.filter(_in(lifecycle.OPEN))

    def working(self) -> Self:
        return self.filter(_in(lifecycle.WORKING))


class Order(models.Model):
    """An instruction to one broker. We pick the id, so a retry is the same order."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", db_index=False)
    broker_account = models.ForeignKey("brokers.BrokerAccount", models.PROTECT, related_name="orders")
    instrument = models.ForeignKey("markets.Instrument", models.PROTECT, related_name="orders")
    side = models.CharField(_("매매 구분"), max_length=4, choices=list(SIDE_LABELS.items()))
    position_side = models.CharField(max_length=5, blank=True, default="")  # '' for cash; the lane needs it never null
    quantity = ExactDecimalField(_("수량"))
    order_type = models.CharField(_("주문 종류"), max_length=8, choices=list(TYPE_LABELS.items()))
    limit_price = ExactDecimalField(_("지정가"), null=True)  # null: market
    stop_price = ExactDecimalField(_("스톱 가격"), null=True)  # null unless a stop order
    triggered_at = models.DateTimeField(null=True)  # market time at which the stop price was reached
    worst_price = ExactDecimalField(null=True)  # a market buy's cash guard: it never pays more than was reserved
    collar_price = ExactDecimalField(_("시장가 한계"), null=True)  # the limit a market order goes out with
    time_in_force = models.CharField(_("유효 기간"), max_length=4, choices=list(TIME_IN_FORCE_LABELS.items()))
    division = models.CharField(
        _("주문 구분"), max_length=16, choices=list(DIVISION_LABELS.items()), default=Division.PLAIN.value
    )
    purpose = models.CharField(_("목적"), max_length=8, choices=list(PURPOSE_LABELS.items()), default="manual")
    plan = models.ForeignKey("trading.SwingPlan", models.PROTECT, null=True, related_name="orders")
    cycle = models.PositiveIntegerField(null=True)
    step = models.PositiveSmallIntegerField(null=True)  # the SIGNAL this order leads to

    state = models.CharField(_("상태"), max_length=16, choices=list(STATE_LABELS.items()))
    reason = models.CharField(_("사유"), max_length=64, blank=True)
    facts: Any = models.JSONField(default=dict)  # the numbers behind a denial
    replaces = models.OneToOneField(
        "trading.Order", models.PROTECT, null=True, related_name="replaced_by"
    )  # after a change
    client_key = models.CharField(max_length=128)  # the sender's idempotency key
    request_hash = models.CharField(max_length=64)
    client_id = models.CharField(max_length=36, unique=True)  # what the broker is told, where it takes one
    broker_order_key = models.CharField(max_length=64, blank=True)
    filled_quantity = ExactDecimalField(_("체결 수량"), default=Decimal(0))
    filled_amount = ExactDecimalField(_("체결 금액"), default=Decimal(0))
    fee = ExactDecimalField(_("수수료"), default=Decimal(0))
    tax = ExactDecimalField(_("세금"), default=Decimal(0))
    reserved = ExactDecimalField(_("예약"), default=Decimal(0))  # still held: cash for a buy, units for a sell
    cancel_requested = models.BooleanField(_("취소 요청"), default=False)

    market_at = models.DateTimeField(_("시장 시각"))
    expires_at = models.DateTimeField(_("만료"), null=True)  # market time; null: until canceled
    created_at = models.DateTimeField(_("주문"), auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)  # after a refusal that may pass: when it may be tried again
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)  # market time
    clean_reads = models.PositiveSmallIntegerField(default=0)  # order lists that proved it absent, one after the other
    last_clean_read_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    version = models.PositiveIntegerField(default=0)  # grows with every change; a page's hint carries it

    objects: ClassVar[OrderQuerySet] = OrderQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("주문")
        verbose_name_plural = _("주문")
        constraints = [
            UniqueConstraint(fields=["user", "client_key"], name="order_client_key_unique"),
            UniqueConstraint(
                fields=["broker_account", "broker_order_key"],
                condition=~Q(broker_order_key=""),
                name="order_broker_key_unique",
            ),
            # One order in doubt shuts its lane: finding it again is then subtraction, not guessing.
            UniqueConstraint(
                fields=["broker_account", "instrument", "side", "position_side"],
                condition=_in(lifecycle.UNRESOLVED),
                name="order_lane",
            ),
            UniqueConstraint(
                fields=["plan", "cycle", "step"], condition=_in(lifecycle.OPEN), name="order_one_per_plan_step"
            ),
            CheckConstraint(name="order_quantity_gt_0", condition=Q(quantity__gt=0)),
            CheckConstraint(name="order_limit_price_gt_0", condition=Q(limit_price=None) | Q(limit_price__gt=0)),
            CheckConstraint(
                name="order_stop_price_iff_stop",
                condition=Q(order_type="stop", stop_price__gt=0) | (~Q(order_type="stop") & Q(stop_price=None)),
            ),
            CheckConstraint(name="order_state_known", condition=Q(state__in=[s.value for s in OrderState])),
            CheckConstraint(
                name="order_filled_within_quantity",
                condition=Q(filled_quantity__gte=0) & Q(filled_quantity__lte=models.F("quantity")),
            ),
            CheckConstraint(name="order_reserved_gte_0", condition=Q(reserved__gte=0)),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="order_by_user"),
            models.Index(fields=["created_at"], condition=Q(state="pending"), name="order_pending"),
            models.Index(
                fields=["instrument"],
                condition=Q(state="pending", order_type="stop", triggered_at=None),
                name="order_waiting_stop",
            ),
            models.Index(fields=["instrument"], condition=_in(lifecycle.WORKING), name="order_working"),
            models.Index(fields=["plan", "-created_at"], name="order_by_plan"),
            models.Index(fields=["broker_account", "-created_at"], name="order_by_account"),
            # What the limits and the triggers count: orders a minute, what is open, refusals in a row.
            models.Index(fields=["created_at"], name="order_by_time"),
            models.Index(fields=["broker_account", "instrument"], condition=_in(lifecycle.OPEN), name="order_open"),
            models.Index(fields=["created_at"], condition=Q(state="rejected"), name="order_rejected"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.instrument_id} ({self.state})"

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        """Exact where it has an end, else 28 digits; None before the first fill."""
        return self.filled_amount / self.filled_quantity if self.filled_quantity else None

    @property
    def is_open(self) -> bool:
        return self.state in lifecycle.OPEN

    @property
    def kind_label(self) -> str:
        """What kind of order it is, in words: its division where that is not the plain one, which says its type too."""
        return self.get_order_type_display() if self.division == Division.PLAIN else self.get_division_display()

    @property
    def waits_for_trigger(self) -> bool:
        """Whether this is a stop order whose price has not come yet."""
        return self.order_type == OrderType.STOP and self.triggered_at is None

    @property
    def expiry_reason(self) -> str:
        """What ends it at `expires_at`: the bar that a plan's entry was meant for, or the day."""
        return "bar_over" if self.order_type == OrderType.STOP and self.step is not None else "day_over"

    @property
    def is_at_market(self) -> bool:
        """Whether it names no price: a market order, or a stop whose price has come."""
        return self.order_type == OrderType.MARKET or self.triggered_at is not None

    @property
    def lasting_limit(self) -> Decimal | None:
        """The price that binds it to its end, or None: the closing auction drops the limit of a conditional order."""
        return None if self.division == Division.CONDITIONAL else self.limit_price

    @property
    def _sent_as(self) -> OrderType:
        if not self.is_at_market:
            return OrderType(self.order_type)
        return OrderType.MARKET if self.collar_price is None else OrderType.LIMIT

    def as_request(self) -> OrderRequest:
        """What the broker is told; only a claimed order has it.

        A triggered stop goes out as a market order, and any market order as a limit at its collar where it has one.
        """
        if self.sent_at is None:
            raise ValueError(f"order {self.pk} has not been claimed")
        return OrderRequest(
            id=self.pk,
            client_id=self.client_id,
            instrument=self.instrument.key,
            side=Side(self.side),
            quantity=self.quantity,
            order_type=self._sent_as,
            limit_price=self.limit_price if self.collar_price is None else self.collar_price,
            time_in_force=TimeInForce(self.time_in_force),
            claimed_at=self.sent_at,
            division=Division(self.division),
        )
