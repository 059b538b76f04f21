"""The pages of strategies: the library, a person's own, versions, files in and out (T02, G09, G14, G16)."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role, User
from strategies.document import RuleDocument
from strategies.kis_yaml import read_kis_yaml
from strategies.library.basic import basic_document
from strategies.library.shelf import LIBRARY
from strategies.models import Strategy, StrategyVersion
from strategies.services import archive_strategy, rename_strategy, save_document
from strategies.uploads import MAX_BYTES
from tests import factories as make
from tests.strategies.kis_files import EVERYTHING, SIMPLE
from tests.trading import scene
from trading.forms.strategies import written
from trading.plan_rules import ChosenRule

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30
IMPORT = reverse("trading:strategy_import")


@pytest.fixture(autouse=True)
def no_collected_files(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def page(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def named(name: str, **defaults: float) -> RuleDocument:
    data = basic_document().as_data() | {"name": name}
    for parameter, value in defaults.items():
        data["parameters"][parameter]["default"] = value
    return RuleDocument.from_data(data)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def of(version: StrategyVersion, name: str = "strategy_version") -> str:
    return reverse(f"trading:{name}", args=[version.strategy_id, version.number])


def edit_url(version: StrategyVersion) -> str:
    return reverse("trading:strategy_edit", args=[version.strategy_id])


# Reading


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_every_strategy_of_the_library_has_a_page_in_both_languages(page: Client, key: str) -> None:
    response = page.get(reverse("trading:strategy_library", args=[key]))
    shown = text(response)
    assert response.status_code == 200
    assert LIBRARY[key].name.ko in shown
    for lines in (response.context["rule"], response.context["other_rule"]):
        assert lines
    assert response.context["hash"] == LIBRARY[key].build().version_hash()
    for row in response.context["parameters"]:
        assert row.label in response.content.decode()
    assert 'lang="en"' in shown


def test_the_list_shows_the_whole_library_and_what_is_one_s_own(page: Client, user: User) -> None:
    save_document(user, named("내 평균"))
    save_document(make.make_user(), named("남의 것"))
    shown = text(page.get(reverse("trading:strategy_list")))
    assert all(built_in.name.ko in shown for built_in in LIBRARY.values())
    assert "내 평균" in shown
    assert "남의 것" not in shown


def test_a_strategy_put_away_is_offered_nowhere_and_its_page_still_reads(page: Client, user: User) -> None:
    """G16: what its plans and results point at stays."""
    make.make_account(user)
    scene.make_stock()
    version = save_document(user, named("치운 것"))
    archive_strategy(user, version.strategy_id)
    assert "치운 것" not in text(page.get(reverse("trading:strategy_list")))
    assert "치운 것" not in text(page.get(reverse("trading:plan_new")))
    assert "치운 것" in text(page.get(of(version)))


def test_changing_a_strategy_after_a_renaming_goes_on_with_it_under_its_new_name(page: Client, user: User) -> None:
    version = save_document(user, named("옛 이름"))
    rename_strategy(user, version.strategy_id, "새 이름")
    url = reverse("trading:strategy_edit", args=[version.strategy_id])
    text_now = page.get(url).context["document_form"]["text"].value()
    assert json.loads(text_now)["name"] == "새 이름"
    changed = json.loads(text_now)
    changed["parameters"]["short"]["default"] = 9
    page.post(url, {"from": f"saved:{version.pk}", "text": json.dumps(changed)})
    (strategy,) = Strategy.objects.filter(user=user)
    assert (strategy.name, strategy.versions.count()) == ("새 이름", 2)


def test_an_empty_list_says_what_to_do(page: Client) -> None:
    assert "아직 내 전략이 없습니다" in text(page.get(reverse("trading:strategy_list")))


def test_versions_stay_and_each_is_read_as_it_was(page: Client, user: User) -> None:
    first, second = save_document(user, named("내 것")), save_document(user, named("내 것", short=9))
    newest = page.get(reverse("trading:strategy", args=[first.strategy_id]))
    assert newest.context["hash"] == second.version_hash
    assert [each.number for each in newest.context["versions"]] == [2, 1]
    assert "SMA(5)" in text(page.get(of(first)))
    assert "SMA(9)" in text(page.get(of(second)))


def test_a_version_says_what_it_changed(page: Client, user: User) -> None:
    """G16."""
    first, second = save_document(user, named("내 것")), save_document(user, named("내 것", short=9))
    shown = text(page.get(of(second)))
    assert "1판과 달라진 것" in shown
    assert "<del>SMA(5): SMA(20) 상향 돌파</del>" in shown
    assert "<ins>SMA(9): SMA(20) 상향 돌파</ins>" in shown
    assert "달라진 것" not in text(page.get(of(first)))


def test_the_page_names_the_plans_that_follow_the_version(page: Client, user: User) -> None:
    version = save_document(user, named("내 것"))
    rule = ChosenRule("document", RuleDocument.from_data(version.document), {}, version.pk)
    scene.make_plan(user, make.make_account(user), scene.make_stock(), name="따르는 것", parameters=rule)
    response = page.get(of(version))
    assert "따르는 것" in text(response)
    assert [each.plans for each in response.context["versions"]] == [1]


def test_a_plan_s_form_begins_with_the_strategy_of_the_page(page: Client, user: User) -> None:
    make.make_account(user)
    scene.make_stock()
    version = save_document(user, named("내 것", short=8))
    for url in (of(version), reverse("trading:strategy_library", args=["rsi"])):
        link = re.search(rf'href="({reverse("trading:plan_new")}\?[^"]+)"', page.get(url).content.decode())
        assert link is not None
        form = page.get(link[1]).context["form"]
        assert form.chosen().document == page.get(url).context["shown"].document


def test_a_backtest_begins_with_the_strategy_of_the_page(page: Client, user: User) -> None:
    version = save_document(user, named("내 것", short=8))
    plan = scene.make_plan(user, make.make_account(user), scene.make_stock())
    urls = [of(version), reverse("trading:strategy_library", args=["rsi"]), reverse("trading:plan", args=[plan.pk])]
    documents = [
        named("내 것", short=8),
        LIBRARY["rsi"].build(),
        RuleDocument.from_data(plan.strategy_version.document),
    ]
    for url, document in zip(urls, documents, strict=True):
        link = re.search(rf'href="({reverse("backtests:new")}\?[^"]+)"', page.get(url).content.decode())
        assert link is not None, url
        form = page.get(link[1].replace("&amp;", "&")).context["form"]
        assert form.rule.document == document


def test_pages_stay_within_the_budget_of_queries(page: Client, user: User) -> None:
    for number in range(30):
        version = save_document(user, named("내 것", short=2 + number, long=100))
        save_document(user, named(f"또 하나 {number}"))
    for url in (reverse("trading:strategy_list"), of(version), edit_url(version), IMPORT):
        with CaptureQueriesContext(connection) as queries:
            assert page.get(url).status_code == 200
        assert len(queries) <= MOST_QUERIES, url


# Whose


def test_nobody_reads_edits_copies_or_exports_another_s_strategy(page: Client, user: User) -> None:
    """G09: another person's strategy does not exist."""
    theirs = save_document(make.make_user(), named("남의 것"))
    urls = [
        reverse("trading:strategy", args=[theirs.strategy_id]),
        of(theirs),
        edit_url(theirs),
        reverse("trading:strategy_new") + f"?from=saved:{theirs.pk}",
        reverse("trading:strategy_export", args=[theirs.strategy_id, 1, "strategy.json"]),
        reverse("trading:strategy_export", args=[theirs.strategy_id, 1, "full.kis.yaml"]),
    ]
    assert [page.get(url).status_code for url in urls] == [404] * len(urls)
    assert page.post(edit_url(theirs), {"text": written(named("남의 것", short=3))}).status_code == 404
    assert page.post(reverse("trading:strategy_preview"), {"from": f"saved:{theirs.pk}"}).status_code == 404
    assert theirs.strategy.versions.count() == 1


def test_strangers_are_sent_to_the_sign_in_page(client: Client) -> None:
    version = save_document(make.make_user(), named("것"))
    for url in (reverse("trading:strategy_list"), of(version), edit_url(version), IMPORT):
        assert client.get(url)["Location"].startswith("/sign-in/")


def test_a_viewer_reads_and_keeps_nothing(client: Client) -> None:
    client.force_login(make.make_user(role=Role.VIEWER))
    assert client.get(reverse("trading:strategy_list")).status_code == 200
    for url in (IMPORT, reverse("trading:strategy_new") + "?from=basic"):
        assert client.get(url).status_code == 403
    assert client.post(IMPORT, {"text": SIMPLE}).status_code == 403
    assert not Strategy.objects.exists()


@pytest.mark.parametrize("source", ["", "nothing", "saved:", "saved:nonsense", "saved:" + "0" * 32, "../etc"])
def test_a_copy_of_nothing_is_not_found(page: Client, source: str) -> None:
    assert page.get(reverse("trading:strategy_new"), {"from": source}).status_code == 404


# In


@pytest.mark.parametrize("content", [SIMPLE, EVERYTHING, written(named("JSON으로"))])
@pytest.mark.parametrize("way", ["file", "text"])
def test_a_good_file_becomes_a_version_of_the_person_s_own(page: Client, user: User, content: str, way: str) -> None:
    sent = {"text": content} if way == "text" else {"file": SimpleUploadedFile("a.kis.yaml", content.encode())}
    response = page.post(IMPORT, sent)
    version = StrategyVersion.objects.get()
    assert response["Location"] == of(version)
    assert (version.strategy.user, version.number) == (user, 1)
    assert page.get(response["Location"]).status_code == 200


def test_the_same_name_again_is_the_next_version(page: Client, user: User) -> None:
    page.post(IMPORT, {"text": SIMPLE})
    page.post(IMPORT, {"text": SIMPLE.replace("-120", "-150")})
    assert list(Strategy.objects.get().versions.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_an_imported_file_goes_out_as_it_came(page: Client, user: User) -> None:
    """Lossless: what the rule document does not keep (author, tags, ids, dates) is there again."""
    page.post(IMPORT, {"text": EVERYTHING})
    version = StrategyVersion.objects.get()
    response = page.get(reverse("trading:strategy_export", args=[version.strategy_id, 1, "full.kis.yaml"]))
    assert read_kis_yaml(response.content).data == read_kis_yaml(EVERYTHING.encode()).data
    assert "attachment" in response["Content-Disposition"]


def test_what_is_worth_knowing_about_a_file_is_told_on_its_page(page: Client) -> None:
    page.post(IMPORT, {"text": SIMPLE})
    shown = text(page.get(of(StrategyVersion.objects.get())))
    assert "다음 봉 시가에 체결합니다" in shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SIMPLE.replace("less_than", "breaks"), "8행: strategy.entry.conditions[0].operator"),
        (SIMPLE.replace("{period: 20}", "{}"), "7행"),
        (SIMPLE.replace("id: cci,", "id: keltner,"), "7행"),
        ("version: [", "YAML"),
        (written(basic_document()).replace('"cross_above"', '"cross_over"'), "entries[0].when.all[0]"),
        ('{"schema_version": 1}', "entries"),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place_and_kept_as_typed(page: Client, content: str, said: str) -> None:
    response = page.post(IMPORT, {"text": content})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert response.context["form"]["text"].value() == content
    assert not Strategy.objects.exists()


def test_a_refused_file_stands_in_the_text_field_to_be_mended(page: Client) -> None:
    content = SIMPLE.replace("less_than", "breaks")
    response = page.post(IMPORT, {"file": SimpleUploadedFile("x.yaml", content.encode())})
    assert response.context["form"]["text"].value() == content


@pytest.mark.parametrize("way", ["file", "text"])
def test_a_file_too_large_is_refused_unread(page: Client, way: str) -> None:
    content = "# " + "x" * MAX_BYTES
    sent = {"text": content} if way == "text" else {"file": SimpleUploadedFile("a.yaml", content.encode())}
    response = page.post(IMPORT, sent)
    assert response.status_code == 422
    assert "128 KB" in text(response)
    assert not Strategy.objects.exists()


def test_neither_nor_both_is_not_guessed(page: Client) -> None:
    assert "파일을 고르거나" in text(page.post(IMPORT, {"text": "  "}))
    both = {"text": SIMPLE, "file": SimpleUploadedFile("a.yaml", SIMPLE.encode())}
    assert "하나만" in text(page.post(IMPORT, both))
    assert not Strategy.objects.exists()


def test_bytes_that_are_no_text_are_refused(page: Client) -> None:
    response = page.post(IMPORT, {"file": SimpleUploadedFile("a.yaml", b"\xff\xfe\x00" * 50)})
    assert response.status_code == 422
    assert not Strategy.objects.exists()


def test_a_file_without_an_exit_needs_the_person_s_word(page: Client) -> None:
    content = "\n".join(line for line in SIMPLE.splitlines() if not line.strip().startswith("exit:"))
    assert page.post(IMPORT, {"text": content}).status_code == 422
    assert page.post(IMPORT, {"text": content, "sell_by_risk_only": "on"}).status_code == 302


# Out


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_what_goes_out_comes_back_as_the_same_rule_or_says_why_not(page: Client, key: str) -> None:
    document = LIBRARY[key].build()
    by_json = page.get(reverse("trading:strategy_library_export", args=[key, "strategy.json"]))
    assert RuleDocument.from_data(json.loads(by_json.content)) == document
    by_file = page.get(reverse("trading:strategy_library_export", args=[key, "full.kis.yaml"]))
    if by_file.status_code == 422:
        assert by_file.context["problems"]
        return
    found = read_kis_yaml(by_file.content).document
    assert found.bind().as_data()["entries"][0]["when"] == _without_labels(document)["entries"][0]["when"]


def _without_labels(document: RuleDocument) -> Any:
    def bare(data: Any) -> Any:
        if isinstance(data, list):
            return [bare(each) for each in data]
        return {k: bare(v) for k, v in data.items() if k != "label"} if isinstance(data, dict) else data

    return bare(document.bind().as_data())


def test_a_rule_with_two_steps_is_not_put_in_other_words(page: Client) -> None:
    response = page.get(reverse("trading:strategy_library_export", args=["swing", "full.kis.yaml"]))
    assert response.status_code == 422
    assert "entries[1]" in text(response)


def test_an_unknown_form_of_export_is_not_found(page: Client) -> None:
    assert page.get(reverse("trading:strategy_library_export", args=["basic", "exe"])).status_code == 404
    assert page.get(reverse("trading:strategy_library_export", args=["nothing", "strategy.json"])).status_code == 404


# Changing


NUMBERS = {"rule_short": "7", "rule_long": "30", "rule_stop_loss_rate": "4"}


def test_new_numbers_are_the_next_version(page: Client, user: User) -> None:
    version = save_document(user, named("내 것"))
    response = page.post(edit_url(version), NUMBERS)
    newest = version.strategy.versions.get(number=2)
    assert response["Location"] == of(newest)
    assert RuleDocument.from_data(newest.document) == named("내 것", short=7, long=30, stop_loss_rate=0.04)


def test_a_number_out_of_its_range_is_told_beside_its_field(page: Client, user: User) -> None:
    version = save_document(user, named("내 것"))
    response = page.post(edit_url(version), NUMBERS | {"rule_short": "999"})
    assert response.status_code == 422
    assert response.context["numbers_form"].errors["rule_short"]
    assert 'value="999"' in response.content.decode()
    assert version.strategy.versions.count() == 1


def test_numbers_in_the_wrong_order_are_named_as_the_form_names_them(page: Client, user: User) -> None:
    version = save_document(user, named("내 것"))
    shown = text(page.post(edit_url(version), NUMBERS | {"rule_short": "50"}))
    assert "단기 기간 &lt; 장기 기간" in shown


def test_a_document_is_edited_as_json_and_its_mistakes_are_told_with_their_path(page: Client, user: User) -> None:
    version = save_document(user, named("내 것"))
    wrong = written(named("내 것")).replace('"indicator": "short"', '"indicator": "shrot"')
    response = page.post(edit_url(version), {"text": wrong})
    assert response.status_code == 422
    assert "entries[0].when.all[0].left" in text(response)
    assert response.context["document_form"]["text"].value() == wrong
    assert page.post(edit_url(version), {"text": written(named("내 것", short=11))}).status_code == 302
    assert version.strategy.versions.count() == 2


def test_another_name_is_another_strategy_and_not_the_next_version(page: Client, user: User) -> None:
    version = save_document(user, named("내 것"))
    response = page.post(edit_url(version), {"text": written(named("다른 것"))})
    assert response.status_code == 422
    assert "복사해서 고치세요" in text(response)
    assert Strategy.objects.count() == 1


def test_a_copy_begins_a_strategy_of_one_s_own(page: Client, user: User) -> None:
    url = reverse("trading:strategy_new")
    form = page.get(url, {"from": "basic"})
    assert form.context["numbers_form"]["name"].value() == "베이직 플랜 복사"
    page.post(url, NUMBERS | {"from": "basic", "name": "빠른 평균"})
    strategy = Strategy.objects.get()
    assert (strategy.name, strategy.user, strategy.kind) == ("빠른 평균", user, "document")
    assert page.post(url, NUMBERS | {"from": "basic", "name": "빠른 평균"}).status_code == 422, "the name is taken"
    assert strategy.versions.count() == 1


def test_a_saved_strategy_trades_in_a_plan(page: Client, user: User) -> None:
    account, instrument = make.make_account(user), scene.make_stock()
    version = save_document(user, named("내 것", short=8))
    terms = {"name": "계획", "instrument": instrument.key, "broker_account": str(account.pk), "interval": "1h"}
    rest = {"mode": "on", "budget": "1,000,000", "cooldown_bars": "5", "client_key": "0" * 32}
    picked = {"strategy": f"saved:{version.pk}", "shown": f"saved:{version.pk}"}
    numbers = {"rule_short": "8", "rule_long": "20", "rule_stop_loss_rate": "5"}
    assert page.post(reverse("trading:plan_new"), terms | rest | picked | numbers).status_code == 302
    assert user.swing_plans.get().strategy_version == version


def test_the_preview_tells_the_rule_or_what_is_wrong(page: Client, user: User) -> None:
    url = reverse("trading:strategy_preview")
    assert "SMA(7)" in text(page.post(url, NUMBERS | {"from": "basic"}))
    wrong = text(page.post(url, {"from": "basic", "text": "{"}))
    assert "JSON으로 읽을 수 없습니다" in wrong


def test_numbers_kept_by_a_plan_are_read_but_not_edited_here(page: Client, user: User) -> None:
    plan = scene.make_plan(user, make.make_account(user), scene.make_stock())
    version = plan.strategy_version
    assert page.get(of(version)).status_code == 200
    assert page.get(edit_url(version)).status_code == 302
    assert plan.name not in text(page.get(reverse("trading:strategy_list")))
