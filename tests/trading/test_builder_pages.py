"""The strategy builder (G09, G14): a document as a form, with buttons alone or with htmx; nothing typed is lost."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, User
from markets.models import Instrument
from markets.types import Interval
from strategies.document import RuleDocument
from strategies.kis_yaml import read_kis_yaml
from strategies.library.basic import basic_document
from strategies.library.shelf import LIBRARY
from strategies.models import StrategyVersion
from strategies.services import save_document
from tests import factories as make
from tests.trading import scene
from tests.trading.waves import wave
from trading.services.planning import rehearsal

pytestmark = pytest.mark.django_db
BUILD = reverse("trading:strategy_build")
PREVIEW = reverse("trading:strategy_build_preview")
CHART = reverse("trading:strategy_build_chart")
MOST_QUERIES = 30
MEMBER = "entries.0.when.members.0"


class Form(HTMLParser):
    """The fields a browser would send of the builder's form on a page."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self._inside = self._select = self._area = ""
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id", "")
        if self._inside != "builder":
            return
        if tag == "input" and "name" in given and given["name"] != "csrfmiddlewaretoken":
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and (self._select not in self.fields or "selected" in given):
            self.fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
            self.fields[self._area] = ""
        elif tag == "button" and given.get("name") == "do":
            self.buttons.append(given["value"])

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = ""
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
    rehearsal.forget()


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


def press(page: Client, response: Any, do: str, url: str = BUILD, **typed: str) -> Any:
    """Send the form as it stands on the page by one of its buttons, with these fields typed over; __ stands for a dot."""
    form = Form(response)
    assert do in form.buttons or do == "reshape", (do, form.buttons)
    return page.post(url, form.fields | {name.replace("__", "."): text for name, text in typed.items()} | {"do": do})


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def error_at(response: Any, field: str) -> str:
    found = re.search(
        rf'<ul class="field__errors" id="{re.escape(field)}-errors">(.*?)</ul>', response.content.decode()
    )
    assert found, field
    return unescape(re.sub("<.*?>", "", found[1]))


def copied(page: Client, key: str) -> Any:
    return page.get(BUILD, {"from": key})


# From the first button to a saved version


def test_a_strategy_is_built_from_nothing_with_buttons_alone(page: Client, user: User) -> None:
    """Without a script: every press is a plain form post and gives the page back."""
    shown = page.get(BUILD)
    assert "아직 고칠 것" not in text(shown), "nobody has done anything wrong yet"
    shown = press(page, shown, "add-indicator:", new_indicator="rsi")
    shown = press(page, shown, "add-condition:entries.0.when")
    shown = press(page, shown, "add-group:entries.0.when", **{f"{MEMBER}.kind": "cross_above"})
    shown = press(page, shown, "add-condition:entries.0.when.members.1")
    shown = press(page, shown, "add-entry:")
    shown = press(page, shown, "add-condition:entries.1.when")
    shown = press(page, shown, "add-condition:exit")
    typed = {
        f"{MEMBER}.left.of": "indicator:rsi.value",
        f"{MEMBER}.right.of": "number",
        f"{MEMBER}.right.number": "30",
        "entries.0.when.members.1.members.0.right.of": "number",
        "entries.0.when.members.1.members.0.right.number": "1,000",
        "entries.1.when.members.0.right.of": "column:open",
        "exit.members.0.left.of": "indicator:rsi.value",
        "exit.members.0.right.of": "number",
        "exit.members.0.right.number": "70",
        "risk.stop_loss_rate": "5",
        "name": "내 첫 전략",
    }
    saved = press(page, shown, "save", **typed)
    assert saved.status_code == 302, text(saved)
    version = StrategyVersion.objects.get(strategy__user=user)
    assert saved.url == reverse("trading:strategy_version", args=[version.strategy_id, 1])
    document = RuleDocument.from_data(version.document)
    assert version.strategy.name == "내 첫 전략"
    assert len(document.entries) == 2
    assert document.risk.stop_loss_rate == 0.05
    assert document.as_data()["entries"][0]["when"] == {
        "all": [
            {"kind": "cross_above", "left": {"indicator": "rsi"}, "right": {"number": 30}},
            {"any": [{"kind": "compare", "left": {"column": "close"}, "op": "gt", "right": {"number": 1000}}]},
        ]
    }


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_every_strategy_of_the_library_is_saved_from_the_builder_as_it_was(page: Client, key: str) -> None:
    saved = press(page, copied(page, key), "save")
    assert saved.status_code == 302, text(saved)
    version = StrategyVersion.objects.get()
    document = LIBRARY[key].build().as_data()
    assert version.document == document | {"name": version.strategy.name}
    assert version.strategy.name.endswith("복사")


def test_editing_makes_another_version_under_the_same_name(page: Client, user: User) -> None:
    version = save_document(user, RuleDocument.from_data(basic_document().as_data() | {"name": "내 것"}))
    url = reverse("trading:strategy_rebuild", args=[version.strategy_id])
    saved = press(page, page.get(url), "save", url, risk__stop_loss_rate="9", name="다른 이름")
    assert saved.status_code == 302
    newest = StrategyVersion.objects.get(number=2)
    assert (newest.strategy_id, newest.document["name"]) == (version.strategy_id, "내 것")
    assert newest.document["risk"] == {"stop_loss_rate": 0.09}


def test_the_largest_rule_there_may_be_fits_into_the_form(page: Client, user: User) -> None:
    band = {"kind": "between", "series": {"column": "close"}, "low": {"column": "low"}, "high": {"number": 9}}
    groups = [{"any": [band] * 9} for _group in range(22)]
    version = own(user, "큰 것", exit={"all": groups})
    url = of(version, "strategy_rebuild")
    shown = page.get(url)
    assert len(Form(shown).fields) > 3000
    assert press(page, shown, "save", url, risk__stop_loss_rate="9").status_code == 302
    assert StrategyVersion.objects.get(number=2).document["exit"] == version.document["exit"]


# What is wrong


def test_an_error_is_told_at_its_field_and_everything_typed_stays(page: Client) -> None:
    shown = press(
        page, copied(page, "basic"), "save", **{f"{MEMBER}.right.scale": "많이", "risk.stop_loss_rate": "500"}
    )
    assert shown.status_code == 422
    assert error_at(shown, "f-entries-0-when-members-0-right-scale") == "숫자나 매개변수의 이름을 적어 주세요"
    assert error_at(shown, "f-risk-stop_loss_rate") == "0.001 이상 0.99 이하여야 합니다"
    fields = Form(shown).fields
    assert (fields[f"{MEMBER}.right.scale"], fields["risk.stop_loss_rate"]) == ("많이", "500")
    assert StrategyVersion.objects.count() == 0


def test_what_an_indicator_taken_away_leaves_behind_is_told_where_it_was_used(page: Client) -> None:
    shown = press(page, copied(page, "basic"), "remove:indicators.0")
    assert error_at(shown, "f-entries-0-when-members-0-left-of") == "정의되지 않은 지표입니다: short"
    assert Form(shown).fields[f"{MEMBER}.left.of"] == "indicator:short.value"
    assert "없는 것: short.value" in text(shown)


def test_a_name_that_is_taken_is_told_and_nothing_is_lost(page: Client, user: User) -> None:
    save_document(user, RuleDocument.from_data(basic_document().as_data() | {"name": "있는 것"}))
    shown = press(page, copied(page, "basic"), "save", name="있는 것")
    assert shown.status_code == 422
    assert 'role="alert"' in shown.content.decode() or "notice--bad" in shown.content.decode()
    assert Form(shown).fields["name"] == "있는 것"


@pytest.mark.parametrize("do", ["remove:entries.9", "up:nowhere", "explode", "", "add-condition:name"])
def test_a_button_that_is_none_gives_the_form_back(page: Client, do: str) -> None:
    fields = Form(copied(page, "basic")).fields
    shown = page.post(BUILD, fields | {"do": do})
    assert shown.status_code == 200
    assert Form(shown).fields == fields


def test_no_set_of_fields_breaks_the_page(page: Client) -> None:
    for fields in (
        {},
        {"entries": "x"},
        {"entries.0.when.members.0.kind": "nothing"},
        {"indicators.0": "x", "exit.join": "?"},
    ):
        assert page.post(BUILD, fields).status_code == 422
        assert page.post(PREVIEW, fields).status_code == 200


@pytest.mark.parametrize("nonsense", ["a\x00b", "9" * 400, "{{ 7*7 }}", "\r\nSet-Cookie: a=b", "가" * 300])
def test_hostile_text_in_any_field_is_told_or_kept_as_text(page: Client, instrument: Instrument, nonsense: str) -> None:
    """I43."""
    fields = Form(copied(page, "basic")).fields
    for name in fields:
        typed = fields | {name: nonsense}
        assert page.post(BUILD, typed | {"do": "save"}).status_code in {200, 302, 404, 422}, name
        assert page.post(PREVIEW, typed).status_code == 200, name
        assert page.post(CHART, typed).status_code in {200, 422}, name


# While it is being filled in


def test_the_preview_tells_the_rule_how_often_it_held_and_what_is_wrong(page: Client, instrument: Instrument) -> None:
    wave(instrument)
    fields = Form(copied(page, "basic")).fields | {"preview.instrument": instrument.key, "preview.interval": "1h"}
    shown = page.post(PREVIEW, fields, headers={"HX-Request": "true"})
    counted = rehearsal.firing_of(basic_document(), instrument, Interval.H1)
    assert counted is not None
    assert "SMA(5): SMA(20) 위로 돌파" in text(shown) or "SMA(5): SMA(20) 상향 돌파" in text(shown)
    assert f"{counted.entries[0].count}번" in text(shown)
    wrong = page.post(PREVIEW, fields | {"indicators.0.params.period": ""}, headers={"HX-Request": "true"})
    assert 'href="#f-indicators-0-params-period"' in text(wrong)
    assert wrong.context["rule"] == []


def test_the_chart_draws_the_rule_on_the_bars_and_marks_where_it_held(page: Client, instrument: Instrument) -> None:
    wave(instrument)
    fields = Form(copied(page, "basic")).fields | {"preview.instrument": instrument.key, "preview.interval": "1h"}
    found = page.post(CHART, fields).json()
    counted = rehearsal.firing_of(basic_document(), instrument, Interval.H1)
    assert counted is not None
    assert len(found["bars"]) == len(found["times"]) == 600
    assert [line["name"] for line in found["lines"]] == ["SMA(5)", "SMA(20)"]
    assert sum(mark["kind"] == "buy" for mark in found["marks"]) == counted.entries[0].count
    assert sum(mark["kind"] == "sell" for mark in found["marks"]) == counted.exit.count
    assert {mark["time"] for mark in found["marks"]} <= {bar["time"] for bar in found["bars"]}
    saved = page.get(
        reverse("trading:strategy_chart"),
        {"from": "basic", "preview.instrument": instrument.key, "preview.interval": "1h"},
    )
    assert saved.json() == found


def test_a_rule_that_is_none_has_no_chart(page: Client, instrument: Instrument) -> None:
    assert page.post(CHART, {}).status_code == 422
    fields = Form(copied(page, "basic")).fields
    assert page.post(CHART, fields | {"preview.instrument": "KRX:NONE"}).json() == {"code": "no_instrument"}
    assert page.post(CHART, fields | {"preview.instrument": instrument.key}).json()["bars"] == []


def test_htmx_gets_the_form_alone(page: Client) -> None:
    fields = Form(copied(page, "basic")).fields
    shown = page.post(BUILD, fields | {"do": "add-condition:exit"}, headers={"HX-Request": "true"})
    assert shown.content.decode().lstrip().startswith('<form id="builder"')
    assert "autofocus" in shown.content.decode().split('id="f-exit-members-1-kind"')[1].split(">")[0]


# For experts


def test_a_document_pasted_as_json_takes_the_form_s_place(page: Client) -> None:
    document = json.dumps(LIBRARY["breakout"].build().as_data() | {"name": "붙인 것"})
    shown = press(page, page.get(BUILD), "paste:", json=document)
    fields = Form(shown).fields
    assert fields["name"] == "붙인 것"
    assert fields["entries.0.stop.way"] == "above_open"
    assert json.loads(fields["json"]) == json.loads(document)


def test_json_that_is_no_document_is_told_and_changes_nothing(page: Client) -> None:
    before = copied(page, "basic")
    shown = press(page, before, "paste:", json='{"name": 3}')
    assert shown.status_code == 422
    assert "name" in error_at(shown, "f-json")
    after = Form(shown).fields
    assert after.pop("json") == '{"name": 3}'
    assert after == {name: value for name, value in Form(before).fields.items() if name != "json"}


def test_what_is_being_built_can_be_taken_away_as_a_file(page: Client) -> None:
    response = press(page, copied(page, "basic"), "export")
    assert response["Content-Disposition"].startswith("attachment")
    back = read_kis_yaml(response.content)
    assert [entry.when for entry in back.document.entries] == [entry.when for entry in basic_document().entries]
    assert StrategyVersion.objects.count() == 0


# Whose, and how dear


def test_who_may_not_trade_builds_nothing(client: Client) -> None:
    client.force_login(make.make_user(role=Role.VIEWER))
    assert client.get(BUILD).status_code == 403
    assert client.post(BUILD, {"do": "save"}).status_code == 403


def test_nobody_builds_on_another_s_strategy(client: Client, user: User) -> None:
    version = save_document(user, basic_document())
    client.force_login(make.make_user())
    assert client.get(reverse("trading:strategy_rebuild", args=[version.strategy_id])).status_code == 404
    assert client.get(BUILD, {"from": f"saved:{version.pk}"}).status_code == 404


@pytest.mark.parametrize("key", ["basic", "swing"])
def test_the_page_costs_few_queries(page: Client, instrument: Instrument, key: str) -> None:
    copied(page, key)
    with CaptureQueriesContext(connection) as queries:
        assert copied(page, key).status_code == 200
    assert len(queries) <= MOST_QUERIES


# One's own strategies in order


def own(user: User, name: str = "내 것", **data: Any) -> StrategyVersion:
    return save_document(user, RuleDocument.from_data(basic_document().as_data() | {"name": name} | data))


def of(version: StrategyVersion, name: str) -> str:
    return reverse(f"trading:{name}", args=[version.strategy_id])


def test_a_strategy_gets_another_name_and_its_next_version_keeps_it(page: Client, user: User) -> None:
    version = own(user)
    renamed = page.post(of(version, "strategy_rename"), {"name": "새 이름"}, follow=True)
    assert "이름을 새 이름(으)로 바꾸었습니다" in text(renamed)
    url = of(version, "strategy_rebuild")
    press(page, page.get(url), "save", url, risk__stop_loss_rate="9")
    assert [(each.strategy.name, each.number) for each in StrategyVersion.objects.order_by("number")] == [
        ("새 이름", 1),
        ("새 이름", 2),
    ]


def test_a_name_that_is_taken_or_none_is_refused_in_words(page: Client, user: User) -> None:
    version, other = own(user), own(user, "다른 것")
    for name in (other.strategy.name, " ", "a\x00b", "x" * 65):
        shown = page.post(of(version, "strategy_rename"), {"name": name}, follow=True)
        assert "notice--" in shown.content.decode()
        version.strategy.refresh_from_db()
        assert version.strategy.name == "내 것"


def test_a_strategy_goes_into_the_archive_and_comes_out_again(page: Client, user: User) -> None:
    version = own(user)
    shown = page.post(of(version, "strategy_archive"), follow=True)
    assert list(shown.context["page"]) == []
    assert "보관한 전략 1" in text(shown)
    kept = page.get(reverse("trading:strategy_list"), {"archived": ""})
    assert [each.name for each in kept.context["page"]] == ["내 것"]
    page.post(of(version, "strategy_restore"))
    assert [each.name for each in page.get(reverse("trading:strategy_list")).context["page"]] == ["내 것"]


@pytest.mark.parametrize("what", ["strategy_rename", "strategy_archive", "strategy_restore"])
def test_nobody_puts_another_s_strategies_in_order(client: Client, user: User, what: str) -> None:
    version = own(user)
    client.force_login(make.make_user())
    assert client.post(of(version, what), {"name": "x"}).status_code == 404
    client.force_login(make.make_user(role=Role.VIEWER))
    assert client.post(of(version, what), {"name": "x"}).status_code == 403
    version.strategy.refresh_from_db()
    assert (version.strategy.name, version.strategy.archived_at) == ("내 것", None)


def test_any_two_versions_are_compared(page: Client, user: User) -> None:
    """G16."""
    versions = [own(user, risk={"stop_loss_rate": rate}) for rate in (0.05, 0.06, 0.07)]
    url = reverse("trading:strategy_version", args=[versions[2].strategy_id, 3])
    assert "2판과 달라진 것" in text(page.get(url))
    compared = text(page.get(url, {"against": "1"}))
    assert "1판과 달라진 것" in compared
    assert "평균 매수가보다 5% 내리면" in compared
    for nonsense in ("0", "-1", "9" * 99, "x", "²"):
        assert page.get(url, {"against": nonsense}).status_code == 200
