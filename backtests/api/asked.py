"""What a run or a sweep is asked with, as a body, and how bars and rule are found by it."""

import hashlib
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.api.fields import Flag, InstrumentKey, Key, NumberText, Plain, Strict, Text, Whole
from accounts.models import User
from backtests import services
from backtests.errors import BacktestRefused
from backtests.models import BarUpload
from backtests.services import Asked, Beside
from backtests.services.asking import MOST_INSTRUMENTS
from backtests.templatetags.backtest_words import language
from backtests.terms import Terms
from markets.api.keys import instrument_of
from markets.models import Instrument
from markets.types import Interval

TERMS = tuple(Terms.model_fields)


class AskedBody(Strict):
    """A rule, bars, terms. Of an `upload` instrument and interval are its own.

    `instruments` and `uploads` in place of `instrument` and `upload`: several on one cash account, in this order.
    """

    name = Text(max_length=64, required=False)
    strategy = Text(max_length=64, help_text="A key of the library, or a version's id.")
    parameters = Plain(required=False, help_text="Numbers in place of the rule's own, by their name.")
    instrument = InstrumentKey(required=False)
    interval = serializers.ChoiceField(choices=[each.value for each in Interval], required=False)
    upload = Key(required=False)
    instruments = serializers.ListField(
        child=InstrumentKey(),
        required=False,
        max_length=MOST_INSTRUMENTS,
        help_text="Several on one cash account; of two that want the same cash at once the earlier is served first.",
    )
    uploads = serializers.ListField(
        child=Key(),
        required=False,
        max_length=MOST_INSTRUMENTS,
        help_text="The same by bar files, after `instruments`.",
    )
    starts_on = serializers.DateField(required=False)
    ends_on = serializers.DateField(required=False)
    cash = NumberText()
    budget = NumberText(required=False)
    first_share = NumberText(required=False)
    repeat = Flag(required=False)
    cooldown_bars = Whole(required=False)
    participation = NumberText(required=False, help_text="Our share of a bar's volume, above 0 to 1.")
    spread_ticks = Whole(required=False)
    slippage_ticks = Whole(required=False)
    slippage_rate = NumberText(required=False)
    commission = NumberText(required=False, help_text="A fraction; without it what the venue takes.")
    exits = serializers.ChoiceField(choices=["at_close", "inside_bar"], required=False)
    seed = Whole(required=False)


def asked_of(user: User, body: dict[str, Any]) -> Asked:
    """Raises BacktestRefused."""
    first, *others = _traded(user, body)
    upload = first.upload
    return Asked(
        rule=services.pick(user, body["strategy"], language()),
        parameters=_numbers(body.get("parameters") or {}),
        instrument=first.instrument,
        interval=Interval(upload.interval if upload else body.get("interval", Interval.D1.value)),
        upload=upload,
        beside=others,
        starts_on=body.get("starts_on"),
        ends_on=body.get("ends_on"),
        terms=Terms.from_data({name: _plain(body[name]) for name in TERMS if name in body}),
    )


def client_key(key: str) -> str:
    """The sender's key, as long as we keep one."""
    return hashlib.sha256(key.encode()).hexdigest()


def _traded(user: User, body: dict[str, Any]) -> list[Beside]:
    """What trades on the account, in order. Raises BacktestRefused."""
    several = bool(body.get("instruments") or body.get("uploads"))
    if several and ("instrument" in body or "upload" in body):
        raise BacktestRefused("one_or_several")
    if several:
        files = [_of_upload(user, each) for each in body.get("uploads", ())]
        return [*(_of_stored(key) for key in body.get("instruments", ())), *files]
    return [_of_upload(user, body["upload"]) if "upload" in body else _of_stored(body.get("instrument", ""))]


def _of_upload(user: User, upload_id: UUID) -> Beside:
    try:
        upload = services.get_upload(user, upload_id)
    except BarUpload.DoesNotExist:
        raise BacktestRefused("unknown_upload") from None
    if upload.job is None or upload.job.state != "done":  # its interval is not known yet
        raise BacktestRefused("upload_not_ready")
    return Beside(upload.instrument, upload)


def _of_stored(key: str) -> Beside:
    try:
        return Beside(instrument_of(key))
    except Instrument.DoesNotExist:
        raise BacktestRefused("unknown_instrument") from None


def _numbers(given: Any) -> dict[str, float]:
    if not isinstance(given, dict) or not all(type(value) in (int, float) for value in given.values()):
        raise BacktestRefused("bad_parameters", why="parameters")
    return {str(name): int(value) if float(value).is_integer() else value for name, value in given.items()}


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value
