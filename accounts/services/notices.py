"""Telling people what happened: on the page, by mail, or both, as they chose (`accounts.notices`).

Each thing is told once, by its key. Mail leaves the worker, after what is told has been committed; a mail server that is away
is asked again, at growing intervals, for a day.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from accounts import notices as rules
from accounts.errors import AccountsError
from accounts.models import Notice, NoticeChoice, User
from accounts.services import mail
from accounts.services.audit import record
from accounts.services.notice_words import SENTENCES

logger = structlog.get_logger(__name__)
CLAIM = timedelta(minutes=5)  # how long a mail belongs to whoever is sending it
MOST_TRIES = 12
MOST_LINES = 30  # of one mail
KEPT = timedelta(days=90)

Choices = Mapping[tuple[str, str], bool]


class ChoiceRefused(AccountsError):
    """This kind of news always goes this way."""

    code = "notice_is_fixed"


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell one person. `key` names it among all that this person is ever told."""

    user_id: UUID
    kind: str
    cause: str
    key: str
    subject: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None  # market time, where the thing has one
    by_mail_alone: bool = False


def tell(all_news: Iterable[News]) -> int:
    """Keep what is new of this; how many rows. What nobody wants to hear anywhere is not kept."""
    told = list(all_news)
    chosen, now = choices_of({each.user_id for each in told}), timezone.now()
    rows = [row for each in told if (row := _row(each, chosen.get(each.user_id, {}), now))]
    known = set(_known(rows))
    fresh = [row for row in rows if (row.user_id, row.key) not in known]
    Notice.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def tell_security(user: User, cause: str, **facts: str) -> None:
    """What a person must hear about their own sign-in (security.md 6.3.5, 6.3.7): always on the page and by mail."""
    tell([News(user.pk, rules.SECURITY, cause, f"{cause}:{uuid4().hex}", facts=facts)])


def choices_of(user_ids: Collection[UUID]) -> Mapping[UUID, Choices]:
    """{person: {(kind, channel): on}}, of what they chose themselves."""
    found: dict[UUID, dict[tuple[str, str], bool]] = defaultdict(dict)
    for row in NoticeChoice.objects.filter(user_id__in=user_ids):
        found[row.user_id][row.kind, row.channel] = row.is_on
    return found


def wanting(kind: str, channel: str) -> QuerySet[User]:
    """The active people who are told this kind of news this way."""
    said = NoticeChoice.objects.filter(kind=kind, channel=channel)
    rule, people = rules.KINDS[kind], User.objects.filter(is_active=True)
    if channel in rule.fixed:
        return people
    if channel in rule.by_itself:
        return people.exclude(pk__in=said.filter(is_on=False).values("user_id"))
    return people.filter(pk__in=said.filter(is_on=True).values("user_id"))


def table_of(user: User) -> list[dict[str, Any]]:
    """Every kind by every channel: whether it is on, and whether it always is."""
    chosen = choices_of({user.pk}).get(user.pk, {})
    return [
        {"kind": kind, "channel": channel, "is_on": channel in rules.channels_of(kind, chosen)}
        | {"is_fixed": not rules.may_choose(kind, channel)}
        for kind in rules.KINDS
        for channel in rules.CHANNELS
    ]


@transaction.atomic
def choose(user: User, wanted: Mapping[tuple[str, str], bool]) -> None:
    """Switch kinds on and off, {(kind, channel): on}. Raises ChoiceRefused for what is not a person's to switch."""
    if any(not rules.may_choose(*place) for place in wanted):
        raise ChoiceRefused
    before = choices_of({user.pk}).get(user.pk, {})
    for (kind, channel), is_on in wanted.items():
        NoticeChoice.objects.update_or_create(user=user, kind=kind, channel=channel, defaults={"is_on": is_on})
    changed = {f"{kind}.{channel}": on for (kind, channel), on in wanted.items() if before.get((kind, channel)) != on}
    if changed:
        record(user, "notices_chosen", f"user:{user.pk}", after=changed)


def on_page(user: User) -> QuerySet[Notice]:
    """What a person finds on the page, newest first."""
    return Notice.objects.filter(user=user, on_page=True)


def mark_seen(user: User, notice_ids: Collection[int] | None = None) -> int:
    """These have been read, or all; how many were unread."""
    unread = on_page(user).filter(seen_at=None)
    if notice_ids is not None:
        unread = unread.filter(pk__in=notice_ids)
    return unread.update(seen_at=timezone.now())


def sentence_of(notice: Notice) -> str:
    """The notice in the reader's language. What other apps tell, they have words for (settings.NOTICE_WORDS)."""
    if notice.cause in SENTENCES:
        return str(SENTENCES[notice.cause]) % defaultdict(str, notice.facts)
    words: Callable[[str, Mapping[str, Any]], str] = import_string(settings.NOTICE_WORDS)
    return words(notice.cause, notice.facts)


def send_due(now: datetime) -> int:
    """Mail what is due, one mail for all that one person is to be told; how many mails."""
    due = Notice.objects.filter(mail_due__lte=now, user__is_active=True).order_by()
    people = list(due.values_list("user_id", flat=True).distinct()[:100])
    return sum(_send_to(user_id, now) for user_id in people)


def prune(now: datetime) -> int:
    """Let go of what was told long ago."""
    return Notice.objects.filter(at__lt=now - KEPT).delete()[0]


def _row(news: News, chosen: Choices, now: datetime) -> Notice | None:
    channels = rules.channels_of(news.kind, chosen)
    is_mailed = rules.EMAIL in channels
    is_shown = rules.PAGE in channels and not news.by_mail_alone
    if not is_mailed and not is_shown:
        return None
    return Notice(
        user_id=news.user_id,
        kind=news.kind,
        cause=news.cause,
        facts=dict(news.facts),
        subject=news.subject,
        key=news.key,
        at=news.at or now,
        on_page=is_shown,
        mail_due=rules.mail_due(news.kind, now) if is_mailed else None,
    )


def _known(rows: Collection[Notice]) -> Iterable[tuple[UUID, str]]:
    keys, people = {row.key for row in rows}, {row.user_id for row in rows}
    return Notice.objects.filter(key__in=keys, user_id__in=people).values_list("user_id", "key")


def _send_to(user_id: UUID, now: datetime) -> bool:
    """Claim, send, record. Whoever dies in between leaves it to be sent again: a mail may come twice, never not at all."""
    # What is to be gathered a little longer goes along. What somebody else has claimed is due much later than that.
    waiting = Notice.objects.filter(user_id=user_id, mail_due__lte=now + rules.GATHERING)
    claimed = list(waiting.order_by("at", "pk"))
    again = now + CLAIM * 2 ** min(max((row.mail_tries for row in claimed), default=0), 8)
    mine = [row.pk for row in claimed]
    if not waiting.filter(pk__in=mine).update(mail_due=again, mail_tries=F("mail_tries") + 1):
        return False
    user = User.objects.get(pk=user_id)
    with translation.override(user.language):
        lines = [(row.at, sentence_of(row)) for row in claimed[-MOST_LINES:]]
    try:
        mail.send_notices(user, lines, left_out=max(0, len(claimed) - MOST_LINES))
    except OSError as e:  # smtplib's errors are OSErrors
        logger.warning("a mail could not be sent", error=type(e).__name__, notices=len(mine))
        Notice.objects.filter(pk__in=mine, mail_tries__gte=MOST_TRIES).update(mail_due=None)
        return False
    Notice.objects.filter(pk__in=mine).update(mailed_at=timezone.now(), mail_due=None)
    return True
