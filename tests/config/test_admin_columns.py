"""The admin speaks the reader's language above every column, and does not offer to change when things are done."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.utils.translation import override

from accounts.models import User

OURS = {"accounts", "markets", "brokers", "strategies", "trading", "backtests"}
THE_SAME_IN_BOTH = {"SIGNAL", "ID", "id"}


def shown_models() -> set[type[Model]]:
    registered = admin.site._registry
    return {*registered, *(inline.model for each in registered.values() for inline in each.inlines)}


@pytest.mark.parametrize("model", sorted(shown_models(), key=str), ids=str)
def test_every_column_has_a_korean_name(model: type[Model]) -> None:
    with override("ko"):
        names = {str(model._meta.verbose_name), *(str(field.verbose_name) for field in model._meta.fields)}
    assert not {name for name in names - THE_SAME_IN_BOTH if name.isascii()}


def test_the_admin_shows_our_own_rows_only() -> None:
    assert {model._meta.app_label for model in shown_models()} <= OURS
    assert User in shown_models()
