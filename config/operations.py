"""What an admin looks at when something is wrong: parts, feeds, queues, doubts, stops, the seven ticks of security (M02, A18)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import redis
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from config import health
from config.celery import app
from config.health import LATE_AFTER, Reading
from config.security import Tick, security_ticks
from markets import services as markets
from markets.calendars import Calendar
from markets.models import PriceFeed
from trading.lifecycle import UNRESOLVED, OrderState
from trading.models import Alert, Halt, Order, OrderChange
from trading.services.running.kis_line import KisLine, kis_line

PARTS = {
    "database": _("데이터베이스"),
    "redis": _("Redis (알림과 실시간 시세)"),
    "dispatch": _("주문 보내기 (dispatch)"),
    "feed": _("시세 (feed)"),
    "worker": _("판단과 작업 (worker)"),
    "beat": _("시간 알림 (beat)"),
}
TICKS = {
    "jwt": _("로그인 토큰의 비밀 키"),
    "encryption": _("증권사 키를 봉인하는 키"),
    "debug": _("디버그 끔"),
    "cors": _("허락한 주소"),
    "https": _("HTTPS"),
    "database": _("데이터베이스 접근"),
    "logs": _("로그 수집"),
}
MOST_DOUBTS = 20
CALENDAR_RUNS_OUT = timedelta(days=30)  # the exchange announces the closed days of a year in the December before


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the running system, as people read it."""

    name: str
    label: Any
    reading: Reading

    @property
    def tone(self) -> str:
        return {"up": "good", "late": "warn"}.get(self.reading.state, "bad")


@dataclass(frozen=True, slots=True)
class Feed:
    """One source of prices. It is late as the feed process would be."""

    row: PriceFeed
    age_seconds: float

    @property
    def is_late(self) -> bool:
        return self.age_seconds > LATE_AFTER["feed"]


@dataclass(frozen=True, slots=True)
class KnownDays:
    """How far the days on which an exchange is closed are known; beyond it they are only expected."""

    calendar: Calendar
    today: date

    @property
    def until(self) -> date:
        return self.calendar.coverage.last

    @property
    def run_out(self) -> bool:
        return self.until - self.today < CALENDAR_RUNS_OUT


@dataclass(frozen=True, slots=True)
class Operations:
    """One look at everything. `queues` is None where Redis does not answer."""

    status: str
    parts: list[Part]
    feeds: list[Feed]
    kis: KisLine | None
    known_days: KnownDays
    queues: dict[str, int] | None
    orders: dict[str, int]
    changes_waiting: int
    doubts: list[Order]
    stops: list[Halt]
    alerts: int
    people: int
    ticks: list[tuple[Any, Tick]]

    @property
    def failing_ticks(self) -> int:
        return sum(not tick.ok for _label, tick in self.ticks)


def look(now: datetime) -> Operations:
    """Everything the page shows, in a dozen queries and two questions to Redis. `now` is wall time."""
    told, _status = health.readiness(now)
    parts = [Part(name, label, Reading(**told[name])) for name, label in PARTS.items()]
    states = dict(Order.objects.order_by().values_list("state").annotate(n=Count("pk")))
    doubted = Order.objects.filter(state__in=sorted(UNRESOLVED)).select_related("instrument", "broker_account", "user")
    return Operations(
        status=told["status"],
        parts=parts,
        feeds=[Feed(row, _age(row, now)) for row in PriceFeed.objects.defer("state").order_by("source")],
        kis=kis_line(now),
        known_days=KnownDays(markets.calendar("krx"), now.date()),
        queues=_queues(),
        orders={name: states.get(name, 0) for name in (OrderState.PENDING, OrderState.SUBMITTED, *sorted(UNRESOLVED))},
        changes_waiting=OrderChange.objects.filter(outcome="waiting").count(),
        doubts=list(doubted.order_by("sent_at")[:MOST_DOUBTS]),
        stops=list(Halt.objects.exclude(mode="active").select_related("by").order_by("scope", "at")),
        alerts=Alert.objects.filter(closed_at=None).count(),
        people=User.objects.filter(is_active=True).count(),
        ticks=[(TICKS[tick.name], tick) for tick in security_ticks()],
    )


def _age(feed: PriceFeed, now: datetime) -> float:
    return max(timedelta(), now - feed.heartbeat_at).total_seconds()


def _queues() -> dict[str, int] | None:
    """How many messages wait for the workers, by queue."""
    try:
        return health.queue_lengths(queue.name for queue in app.conf.task_queues)
    except redis.RedisError:
        return None
