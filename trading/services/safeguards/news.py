"""What trading has to tell people: fills, moves of SIGNAL, and trouble that nobody has looked at yet.

Looked for every half minute in what is already stored, a little back each time: nothing on the order path waits for it, a
look that was missed is made up for, and what was told is known by its key.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from accounts import notices as rules
from accounts.models import Notice, Role, User
from accounts.services import notices
from accounts.services.notices import News
from trading.models import Alert, Fill, SignalStep

BACK = timedelta(minutes=10)
MOST = 2_000  # the newest rows of a table that one look goes through


def tell_people(now: datetime) -> int:
    """Tell all that is new; how many notices."""
    return notices.tell([*_fills(now), *_signals(now), *_trouble(now)])


def _fills(now: datetime) -> Iterator[News]:
    people = _reached(rules.FILLS)
    if not people:
        return
    newest = list(Fill.objects.order_by("-id").values_list("id", flat=True)[:MOST])
    found = Fill.objects.filter(id__in=newest, created_at__gte=now - BACK, order__user_id__in=people)
    for fill in found.select_related("order__instrument").order_by("id"):
        order = fill.order
        facts = {"instrument": order.instrument.key, "side_word": order.side, "quantity": str(fill.quantity)}
        facts["price"] = str(fill.price)
        yield News(order.user_id, rules.FILLS, "filled", f"fill:{fill.pk}", f"order:{order.pk}", facts, fill.at)


def _signals(now: datetime) -> Iterator[News]:
    """Steps whose order's last fill was booked lately: a step keeps market time alone."""
    newest = list(SignalStep.objects.order_by("-id").values_list("id", flat=True)[: MOST // 4])
    moved = SignalStep.objects.filter(id__in=newest).annotate(booked=Max("order__fills__created_at"))
    recent = list(moved.filter(booked__gte=now - BACK).select_related("plan__instrument").order_by("id"))
    people = _reached(rules.SIGNALS) if recent else set()
    for step in recent:
        if step.plan.user_id in people:
            facts = {"plan": step.plan.name, "instrument": step.plan.instrument.key, "signal_word": str(step.to_signal)}
            subject = f"plan:{step.plan_id}"
            yield News(step.plan.user_id, rules.SIGNALS, "signal_moved", f"step:{step.pk}", subject, facts, step.at)


def _trouble(now: datetime) -> Iterator[News]:
    """One mail for each cause a person has open alerts of, again and again until they have looked (I52)."""
    alerts = list(Alert.objects.filter(closed_at=None).order_by("id"))
    wanting = _by_mail(rules.TROUBLE, alerts)
    for (user_id, cause), open_ones in _threads(alerts, wanting).items():
        told = Notice.objects.filter(user_id=user_id, kind=rules.TROUBLE, cause=cause).order_by("-at")
        since = min(each.opened_at for each in open_ones)
        last = told.first()
        times = list(told.filter(at__gte=since).values_list("at", flat=True)[:MOST])
        due = rules.next_reminder(times) or (last.at + rules.REPEAT_FIRST if last else now)
        if now < due:
            continue
        newest = open_ones[-1]
        key = f"{cause}:{newest.pk}:{len(times)}"
        yield News(user_id, rules.TROUBLE, cause, key, f"alert:{newest.pk}", newest.facts, by_mail_alone=True)


def _threads(alerts: Iterable[Alert], people: dict[UUID, User]) -> dict[tuple[UUID, str], list[Alert]]:
    """Open alerts by who is to see them and why; those of nobody in particular are the admins'."""
    found: dict[tuple[UUID, str], list[Alert]] = defaultdict(list)
    admins = [user.pk for user in people.values() if user.role == Role.ADMIN]
    for alert in alerts:
        for user_id in admins if alert.user_id is None else [alert.user_id]:
            if user_id in people:
                found[user_id, alert.cause].append(alert)
    return found


def _by_mail(kind: str, alerts: list[Alert]) -> dict[UUID, User]:
    if not alerts:
        return {}
    concerned = Q(pk__in={alert.user_id for alert in alerts}) | Q(role=Role.ADMIN)
    people: QuerySet[User] = notices.wanting(kind, rules.EMAIL).filter(concerned)
    return {user.pk: user for user in people}


def _reached(kind: str) -> set[UUID]:
    """Who is told this kind of news in any way."""
    return {pk for channel in rules.CHANNELS for pk in notices.wanting(kind, channel).values_list("pk", flat=True)}
