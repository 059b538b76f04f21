"""Stopping and letting go again, limits, and what a person has to see (G04)."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, NumberText, Strict, Text, Whole
from accounts.api.pages import PageQuery, page
from accounts.api.problems import NotFound
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation, require_match, require_step_up
from brokers.protocol import Environment
from trading.api.order_rows import etag
from trading.api.own import own_account
from trading.limits import loosens
from trading.models import Alert, Halt
from trading.models.safety import HALT_MODES, SCOPES
from trading.services.safeguards import alerts, halts, limit_rows, safety
from trading.services.safeguards.limit_rows import LimitView
from trading.services.safeguards.safety import Switch
from trading.templatetags.reasons import sentence

STOPPED = [mode for mode in HALT_MODES if mode != "active"]
OF_EVERYBODY = {"orders_per_minute_site"}  # shown to all, no account's own to set


class StopAnswer(Answer):
    scope = serializers.ChoiceField(choices=list(SCOPES))
    mode = serializers.ChoiceField(choices=list(HALT_MODES))
    name = serializers.CharField()


class SwitchAnswer(Answer):
    """One latch. `above` is a wider stop that is stricter; `unconfirmed` orders wait for the venue's word."""

    scope = serializers.ChoiceField(choices=list(SCOPES))
    target = serializers.CharField(help_text="The key of the person, account, plan or instrument; empty for the site.")
    name = serializers.CharField()
    mode = serializers.ChoiceField(choices=list(HALT_MODES))
    reason = serializers.CharField()
    message = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()
    above = StopAnswer(allow_null=True)
    working = serializers.IntegerField()
    unconfirmed = serializers.IntegerField()


class SwitchesAnswer(Answer):
    results = SwitchAnswer(many=True)


class LatchAnswer(Answer):
    scope = serializers.ChoiceField(choices=list(SCOPES))
    target = serializers.CharField()
    mode = serializers.ChoiceField(choices=list(HALT_MODES))
    reason = serializers.CharField()
    version = serializers.IntegerField()
    unconfirmed = serializers.IntegerField()


class HaltBody(Strict):
    scope = serializers.ChoiceField(choices=list(SCOPES))
    target = Text(max_length=48, default="", allow_blank=True)
    mode = serializers.ChoiceField(choices=STOPPED)
    reason = Text(max_length=64, default="", allow_blank=True, help_text="Whoever must stop has no time to write.")


class ReleaseBody(Strict):
    """`version` of the latch as it was read: latched anew meanwhile, it is read anew first."""

    scope = serializers.ChoiceField(choices=list(SCOPES))
    target = Text(max_length=48, default="", allow_blank=True)
    version = Whole(min_value=0)


class AccountHaltBody(Strict):
    mode = serializers.ChoiceField(choices=STOPPED)
    reason = Text(max_length=64, default="", allow_blank=True)


class LimitAnswer(Answer):
    """`value` null: no limit. `coming` is a looser value that counts from `coming_at`."""

    name = serializers.CharField()
    unit = serializers.CharField()
    value = NumberText(allow_null=True)
    scope = serializers.CharField(help_text="Who set it; `start`: nobody.")
    start = NumberText(allow_null=True)
    coming = NumberText(allow_null=True)
    coming_at = serializers.DateTimeField(allow_null=True)


class LimitsAnswer(Answer):
    results = LimitAnswer(many=True)


class LimitBody(Strict):
    value = NumberText(help_text="A rate is a fraction: 0.05.")


class AlertAnswer(Answer):
    id = serializers.IntegerField()
    cause = serializers.CharField()
    message = serializers.CharField()
    subject = serializers.CharField(help_text="Such as `order:<id>`.")
    facts = serializers.DictField()
    times = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class AlertsAnswer(Answer):
    results = AlertAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class AlertQuery(PageQuery):
    is_open = serializers.BooleanField(required=False, allow_null=True, default=None)


class Halts(ApiView):
    @operation("Everything the person may stop, and what is stopped", answer=SwitchesAnswer)
    def get(self, request: ApiRequest) -> Response:
        rows = safety.switches(request.user) + (safety.staff_switches() if request.user.is_staff else [])
        return Response({"results": [_switch(row) for row in rows]})

    @operation(
        "Stop, at once",
        body=HaltBody,
        answer=LatchAnswer,
        description="`halted`: nothing goes out, and every order that may rest at a venue is asked back. `reduce_only`: only "
        "what makes a position smaller.",
    )
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        row = halts.halt(request.user, asked["scope"], asked["target"], asked["mode"], asked["reason"])
        return Response(_latch(row))


class Release(ApiView):
    @operation("Let orders out again", body=ReleaseBody, answer=LatchAnswer, steps_up=True, errors=(412,))
    def post(self, request: ApiRequest) -> Response:
        halts.check_rights(request.user, self.asked["scope"], self.asked["target"])
        return _release(request, self.asked["scope"], self.asked["target"], str(self.asked["version"]))


class AccountHalt(ApiView):
    @operation("The account's latch", answer=LatchAnswer)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        row = safety.latch_of("account", str(account.pk)) or Halt(scope="account", target=str(account.pk))
        return Response(_latch(row), headers={"ETag": etag(row.version)})

    @operation("Stop the account", body=AccountHaltBody, answer=LatchAnswer)
    def post(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        row = halts.halt(request.user, "account", str(account.pk), self.asked["mode"], self.asked["reason"])
        return Response(_latch(row), headers={"ETag": etag(row.version)})

    @operation("Let its orders out again", answer=LatchAnswer, steps_up=True, if_match=True, errors=(422,))
    def delete(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        return _release(request, "account", str(account.pk), self.if_match.strip('"'))


class Limits(ApiView):
    @operation("Every limit as it stands for the account's orders", answer=LimitsAnswer)
    def get(self, request: ApiRequest, account_id: UUID) -> Response:
        account = own_account(request.user, account_id)
        return Response({"results": [_limit(each) for each in limit_rows.limits_of(account)]})


class OneLimit(ApiView):
    """Tighter counts at once; looser on a real account needs a fresh proof, and counts an hour later where it is live."""

    @operation("Set one limit", body=LimitBody, answer=LimitAnswer)
    def put(self, request: ApiRequest, account_id: UUID, name: str) -> Response:
        return self._set(request, account_id, name, self.asked["value"])

    @operation("Take one limit back to its start value", answer=LimitAnswer, errors=(422,))
    def delete(self, request: ApiRequest, account_id: UUID, name: str) -> Response:
        return self._set(request, account_id, name, None)

    def _set(self, request: ApiRequest, account_id: UUID, name: str, value: Decimal | None) -> Response:
        account = own_account(request.user, account_id)
        limit = _named(limit_rows.limits_of(account), name)
        if account.environment != Environment.VIRTUAL and _may_loosen(limit, value):
            require_step_up(request)
        limit_rows.set_limit(request.user, "account", str(account.pk), name, value)
        return Response(_limit(_named(limit_rows.limits_of(account), name)))


class Notifications(ApiView):
    @operation("What the person has to see, last told first", query=AlertQuery, answer=AlertsAnswer)
    def get(self, request: ApiRequest) -> Response:
        found = safety.alerts_of(request.user)
        if self.query["is_open"] is not None:
            found = found.filter(closed_at__isnull=self.query["is_open"])
        return Response(page(found, self.query, _alert, by=("last_at", "id")))


class Seen(ApiView):
    permission_classes = [SignedIn]

    @operation("Seen: close one thread", answer=AlertAnswer)
    def post(self, request: ApiRequest, alert_id: int) -> Response:
        return Response(_alert(alerts.acknowledge(request.user, alert_id)))


def _release(request: ApiRequest, scope: str, target: str, version: str) -> Response:
    """As the latch was when it was read. Raises Problem where it has been latched anew since."""
    row = safety.latch_of(scope, target)
    require_match(etag(row.version if row else 0), f'"{version}"')
    return Response(_latch(halts.release(request.user, scope, target)))


def _latch(row: Halt) -> dict[str, Any]:
    return {
        "scope": row.scope,
        "target": row.target,
        "mode": row.mode,
        "reason": row.reason,
        "version": row.version,
        "unconfirmed": halts.unconfirmed(row.scope, row.target),
    }


def _switch(row: Switch) -> dict[str, Any]:
    halt = row.halt
    return {
        "scope": row.scope,
        "target": row.target,
        "name": row.name,
        "mode": row.mode,
        "reason": halt.reason if halt else "",
        "message": sentence(halt.reason, halt.facts) if halt else "",
        "at": halt.at if halt else None,
        "version": halt.version if halt else 0,
        "above": {"scope": row.above.scope, "mode": row.above.mode, "name": row.above.name} if row.above else None,
        "working": row.working,
        "unconfirmed": row.unconfirmed,
    }


def _named(rows: list[LimitView], name: str) -> LimitView:
    found = next((each for each in rows if each.name == name), None)
    if found is None or name in OF_EVERYBODY:
        raise NotFound
    return found


def _may_loosen(limit: LimitView, wanted: Decimal | None) -> bool:
    """Where a wider scope sets what counts, the account's own value is not seen here: ask."""
    is_own = limit.scope in {"account", "start"}
    return not is_own or loosens(limit.name, limit.value, limit.start if wanted is None else wanted)


def _limit(limit: LimitView) -> dict[str, Any]:
    names = ("name", "unit", "value", "scope", "start", "coming", "coming_at")
    return {name: getattr(limit, name) for name in names}


def _alert(alert: Alert) -> dict[str, Any]:
    names = ("cause", "subject", "facts", "times", "opened_at", "last_at", "closed_at")
    row = {name: getattr(alert, name) for name in names}
    return row | {"id": alert.pk, "message": sentence(alert.cause, alert.facts)}
