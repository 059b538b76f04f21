"""Every error of every app as the one answer the API gives: `{code, message, detail, request_id}` and its status."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import get_language
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.api.problems import SENTENCES, Problem, sentence_of
from accounts.api.wire import written
from accounts.errors import AccountsError, TooManyTries
from accounts.services.second_factor import FactorRefused
from backtests.errors import BacktestRefused
from backtests.templatetags import backtest_words
from brokers.errors import BrokerError
from brokers.services.credentials import KeyRefused
from strategies.errors import DocumentInvalid
from strategies.services import StrategyRefused
from trading.errors import TradingError
from trading.templatetags import reasons

logger = logging.getLogger(__name__)
TRADING_STATUS = {
    "not_allowed": 403,
    "latched_by_other": 403,
    "unknown_scope": 404,
    "order_not_open": 409,
    "plan_is_stopping": 409,
    "plan_has_open_order": 409,
    "changed_meanwhile": 412,
}
ACCOUNTS_STATUS = {"wrong_password": 401, "wrong_code": 401}
DRF_CODES = {
    exceptions.ParseError: "unreadable_body",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotFound: "not_found",
    exceptions.PermissionDenied: "not_permitted",
    exceptions.NotAuthenticated: "not_signed_in",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered instead of what was asked."""

    status: int
    code: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "detail": dict(self.detail),
            "request_id": getattr(request, "id", ""),
        }


def answer_to(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer for an error of a view; None for one that is nobody's fault but ours, which is logged as such."""
    refusal = refusal_of(error)
    if refusal is None:
        return None
    request = context["request"]._request
    return Response(refusal.as_json(request), status=refusal.status, headers=dict(refusal.headers))


def refusal_of(error: Exception) -> Refusal | None:
    """What to answer for an error, or None where it is nobody's fault but ours."""
    tell = next((tell for kind, tell in TELLERS if isinstance(error, kind)), None)
    return tell(error) if tell else None


def plain_answer(request: HttpRequest, code: str, status: int) -> HttpResponse:
    """The same shape for what goes wrong outside any view."""
    refusal = Refusal(status, code, str(sentence_of(code, {}) or code))
    return HttpResponse(
        written(refusal.as_json(request)),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _problem(error: Any) -> Refusal:
    facts = _facts(error.facts)
    message = sentence_of(error.code, facts) or reasons.sentence(error.code, error.facts)
    return Refusal(error.status_code, error.code, message, facts, error.headers)


def _trading(error: Any) -> Refusal:
    status = TRADING_STATUS.get(error.code, 422)
    message = sentence_of(error.code, {}) if error.code == "changed_meanwhile" else reasons.error_sentence(error)
    return Refusal(status, error.code, message or error.code, _facts(error.facts))


def _accounts(error: Any) -> Refusal:
    return Refusal(ACCOUNTS_STATUS.get(error.code, 422), error.code, str(sentence_of(error.code, {}) or error.code))


def _tries(error: Any) -> Refusal:
    facts = {"seconds": error.seconds}
    message = str(sentence_of(error.code, facts))
    return Refusal(429, error.code, message, facts, {"Retry-After": str(error.seconds)})


def _broker(error: Any) -> Refusal:
    facts = {"field": error.field} if isinstance(error, KeyRefused) else {}
    return Refusal(422, error.code, reasons.sentence(error.code), facts)


def _document(error: Any) -> Refusal:
    language = "ko" if (get_language() or "ko").startswith("ko") else "en"
    fields: dict[str, list[dict[str, str]]] = {}
    for each in error.problems:
        told = {"code": each.code, "message": each.message_ko if language == "ko" else each.message_en}
        fields.setdefault(each.path or "document", []).append(told)
    return Refusal(422, error.code, str(SENTENCES["invalid_request"]), {"fields": fields})


def _strategy(error: Any) -> Refusal:
    return Refusal(422, error.code, reasons.sentence(error.code, error.facts), _facts(error.facts))


def _backtest(error: Any) -> Refusal:
    return Refusal(422, error.code, backtest_words.sentence(error.code, error.facts), _facts(error.facts))


def _invalid(error: Any) -> Refusal:
    return Refusal(400, "invalid_request", str(SENTENCES["invalid_request"]), {"fields": dict(_fields(error.detail))})


def _drf(error: Any) -> Refusal:
    code = DRF_CODES.get(type(error), "not_permitted" if error.status_code == 403 else "invalid_request")
    return Refusal(error.status_code, code, str(SENTENCES[code]))


def _missing(_error: Any) -> Refusal:
    return Refusal(404, "not_found", str(SENTENCES["not_found"]))


def _forbidden(_error: Any) -> Refusal:
    return Refusal(403, "not_permitted", str(SENTENCES["not_permitted"]))


def _database(error: Any) -> Refusal:
    logger.error("the database did not answer: %s", type(error).__name__, exc_info=error)
    return Refusal(503, "unavailable", str(SENTENCES["unavailable"]), headers={"Retry-After": "5"})


TELLERS: tuple[tuple[type[Exception], Callable[[Any], Refusal]], ...] = (
    (Problem, _problem),
    (TradingError, _trading),
    (TooManyTries, _tries),
    (FactorRefused, _accounts),
    (AccountsError, _accounts),
    (BrokerError, _broker),
    (DocumentInvalid, _document),
    (StrategyRefused, _strategy),
    (BacktestRefused, _backtest),
    (exceptions.ValidationError, _invalid),
    (exceptions.APIException, _drf),
    (Http404, _missing),
    (ObjectDoesNotExist, _missing),
    (PermissionDenied, _forbidden),
    (OperationalError, _database),
)


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that count as strings, the rest as it is."""
    return {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in facts.items()}


def _fields(errors: Any, path: str = "") -> Any:
    """What is wrong, field by field: ("entries[0].name", [{"code", "message"}])."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            yield from _fields(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        for number, inner in enumerate(errors):
            yield from _fields(inner, f"{path}[{number}]")
    else:
        yield path, [{"code": each.code, "message": _said(each)} for each in errors]


def _said(error: Any) -> str:
    """The field's fault in the reader's language: ours where we have a word for it."""
    return str(SENTENCES.get(error.code) or error)
