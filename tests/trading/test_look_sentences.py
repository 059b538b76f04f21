"""What a plan did on a bar, in one sentence: the same on its page and to programs, in the reader's language (G01)."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.api.conftest import signed_in
from tests.trading import scene
from trading.models import PlanEvaluation
from trading.signal import Reason
from trading.templatetags.looks import look_sentence

FACTS = {
    **{"bars": "3", "most": "5", "close": "71000", "level": "66030", "rate": "0.07", "base": "70000"},
    **{"held": "10", "signal": "0"},
}


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_a_rule_gives_has_its_sentence(reason: Reason, language: str) -> None:
    detail = {"row": scene.make_row(0), "facts": FACTS}
    look = PlanEvaluation(outcome="hold", reason=reason, signal=0, close=Decimal(71_000), detail=detail)
    with translation.override(language):
        said = look_sentence(look)
    assert said
    assert reason.value not in said
    assert any("가" <= each <= "힣" for each in said) == (language == "ko")


@pytest.mark.parametrize(
    ("outcome", "reason", "said"),
    [
        ("hold", "rule_not_met", "매수하지 않았습니다: ADX(14) 18.2 — 25보다 커야 합니다"),
        ("skipped", "late", "건너뛰었습니다: 봉이 마감된 뒤 너무 늦게 보았습니다."),
        ("blocked", "nothing_to_trade", "거래하지 않았습니다: 예산이 최소 주문보다 작습니다."),
    ],
)
def test_programs_are_told_what_the_page_tells(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument, outcome: str, reason: str, said: str
) -> None:
    plan = scene.make_plan(user, account, instrument)
    scene.make_look(plan, outcome=outcome, reason=reason)
    (told,) = signed_in(user).get(f"/api/v1/swing-plans/{plan.pk}/evaluations/").json()["results"]
    assert told["message"] == said
    assert said in page.get(reverse("trading:plan", args=[plan.pk])).content.decode()


def test_a_bar_that_was_never_judged_is_told_all_the_same(
    user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    plan = make.make_plan(account, instrument)
    look = scene.make_look(plan, outcome="skipped", reason="late", detail={})
    assert look_sentence(look).startswith("건너뛰었습니다")
