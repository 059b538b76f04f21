"""Forms sent once: the key a page carries, or that a program names in `Idempotency-Key`, and refusals beside their field."""

from django import forms
from django.http import HttpRequest, QueryDict

from trading.errors import TradingError
from trading.templatetags.reasons import error_sentence


def with_key(request: HttpRequest) -> QueryDict:
    """What was posted, under the key of the `Idempotency-Key` header where there is one."""
    posted = request.POST.copy()
    if key := request.headers.get("Idempotency-Key"):
        posted["client_key"] = key
    return posted


def blame(form: forms.Form, error: TradingError) -> None:
    """The refusal beside the field it is about."""
    field = str(error.facts.get("field", ""))
    form.add_error(field if field in form.fields else None, error_sentence(error))
