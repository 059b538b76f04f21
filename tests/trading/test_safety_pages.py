"""The safety page (G04): one press stops, the password lets orders out again; everybody's own things alone."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, Throttle, User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.trading import scene
from trading.models import Alert, Halt, Order, SwingPlan
from trading.services.safeguards import halts, safety
from trading.services.safeguards.alerts import raise_alert

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30
PASSWORD = "pass phrase for tests"  # what the factory gives everybody
BANNER = 'class="halt-banner'
SAFETY, HALT = reverse("trading:safety"), reverse("trading:safety_halt")


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def account(user: User) -> BrokerAccount:
    return make.make_account(user, name="모의 하나")


@pytest.fixture
def plan(user: User, account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return scene.make_plan(user, account, instrument)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def mode(scope: str, target: Any = "") -> str:
    latch = Halt.objects.filter(scope=scope, target=str(target)).first()
    return latch.mode if latch else "active"


def stop(page: Client, scope: str, target: Any, to: str = "halted", **more: str) -> Any:
    return page.post(HALT, {"stop": f"{scope}/{target}/{to}"} | more, follow=True)


def release_page(scope: str, *target: Any) -> str:
    return reverse("trading:safety_release", args=[scope, *map(str, target)])


def release(page: Client, scope: str, *target: Any, password: str = PASSWORD) -> Any:
    version = Halt.objects.get(scope=scope, target="".join(map(str, target))).version
    return page.post(release_page(scope, *target), {"password": password, "version": str(version)})


# Stopping


def test_one_press_stops_everything_and_says_how_much_is_unconfirmed(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    """G04: no question first; what rests at the venue is asked back, and counted until the venue has answered."""
    order = make.accept(scene.make_order(account, instrument))
    assert "모든 거래 정지" in text(page.get(SAFETY))
    answer = stop(page, "user", user.pk, reason="뉴스 확인")
    assert mode("user", user.pk) == "halted"
    assert make.fresh(order).cancel_requested
    shown = text(answer)
    assert "정지했습니다" in shown
    assert "미확인 1건" in shown
    assert "뉴스 확인" in shown
    assert "모든 거래 정지</button>" not in shown
    assert make.place(account, instrument).state == "denied"


def test_a_stop_needs_nothing_of_redis(page: Client, user: User, settings: Any) -> None:
    """O06, reliability.md §3.11: a stop is one row; nothing that answers over Redis takes part."""
    nowhere = "redis://127.0.0.1:1/0"
    settings.CELERY_BROKER_URL = settings.REDIS_URL = nowhere
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": nowhere}}
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [nowhere]}}
    }
    assert stop(page, "user", user.pk).status_code == 200
    assert mode("user", user.pk) == "halted"


def test_an_account_and_a_plan_are_stopped_step_by_step(page: Client, account: BrokerAccount, plan: SwingPlan) -> None:
    """G04: active → reduce-only → halted, each for itself."""
    for scope, target in (("account", account.pk), ("plan", plan.pk)):
        for to in ("reduce_only", "halted"):
            stop(page, scope, target, to)
            assert mode(scope, target) == to
    assert mode("user", account.user_id) == "active"


def test_a_press_never_loosens(page: Client, account: BrokerAccount) -> None:
    """A page opened before the halt still offers 'reduce-only': pressing it does not open anything."""
    stop(page, "account", account.pk, "halted")
    stop(page, "account", account.pk, "reduce_only")
    assert mode("account", account.pk) == "halted"


@pytest.mark.parametrize("typed", ["", "account", "user//", "nonsense/1/halted", "user/x/active", "user/x/"])
def test_a_button_that_says_nothing_known_stops_nothing(page: Client, user: User, typed: str) -> None:
    assert "무엇을 멈출지" in text(page.post(HALT, {"stop": typed or "?"}, follow=True))
    assert not Halt.objects.exclude(mode="active").exists()


def test_the_page_shows_why_and_since_when_a_plan_cannot_trade(
    page: Client, user: User, account: BrokerAccount, plan: SwingPlan
) -> None:
    """A wider stop is named beside what it covers; one that came by itself says so."""
    halts.latch("account", str(account.pk), "reduce_only", "late")
    shown = text(page.get(SAFETY))
    assert "너무 늦게 보았습니다" in shown
    assert "자동" in shown
    assert "계좌 ‘모의 하나’은(는) 청산만 할 수 있습니다." in shown


# Letting orders out again


def test_releasing_takes_the_password_and_shows_first_what_was_stopped(page: Client, account: BrokerAccount) -> None:
    """G04, step-up: the reason and the person are read before."""
    stop(page, "account", account.pk, reason="점검")
    shown = text(page.get(release_page("account", account.pk)))
    assert "점검" in shown
    assert 'type="password"' in shown
    assert mode("account", account.pk) == "halted"
    answer = release(page, "account", account.pk)
    assert (answer.status_code, answer["Location"]) == (302, SAFETY)
    assert mode("account", account.pk) == "active"


def test_a_wrong_password_opens_nothing_and_guessing_is_slowed_down(page: Client, account: BrokerAccount) -> None:
    """I37: the counters of the sign-in count here too."""
    stop(page, "account", account.pk)
    wrong = release(page, "account", account.pk, password="a guess")
    assert wrong.status_code == 422
    assert "비밀번호가 맞지 않습니다" in text(wrong)
    assert Throttle.objects.exists()
    at_once = release(page, "account", account.pk)
    assert at_once.status_code == 429
    assert int(at_once["Retry-After"]) > 0
    assert mode("account", account.pk) == "halted"


def test_what_was_stopped_again_meanwhile_is_read_again_first(page: Client, account: BrokerAccount) -> None:
    """The page showed reduce-only; before it was answered, a trigger halted the account."""
    halts.latch("account", str(account.pk), "reduce_only", "late")
    before = Halt.objects.get(scope="account").version
    halts.latch("account", str(account.pk), "halted", "warming_up")
    typed = {"password": PASSWORD, "version": str(before)}
    answer = page.post(release_page("account", account.pk), typed)
    assert answer.status_code == 422
    assert "그 사이 다시 멈췄습니다" in text(answer)
    assert mode("account", account.pk) == "halted"


def test_what_is_not_stopped_needs_no_release(page: Client, account: BrokerAccount) -> None:
    assert page.get(release_page("account", account.pk))["Location"] == SAFETY


def test_what_an_admin_stopped_for_a_person_only_an_admin_lets_go(page: Client, user: User) -> None:
    boss = make.make_user(role=Role.ADMIN)
    halts.halt(boss, "user", str(user.pk), "halted", "조사")
    assert release(page, "user", user.pk).status_code == 422
    assert mode("user", user.pk) == "halted"


# Whose things


def test_nobody_touches_what_is_another_s(
    client: Client, user: User, account: BrokerAccount, plan: SwingPlan, instrument: Instrument
) -> None:
    """G09: not found, and nothing moves."""
    mine = [("user", user.pk), ("account", account.pk), ("plan", plan.pk)]
    halts.latch("account", str(account.pk), "halted", "late")
    raise_alert("late", f"account:{account.pk}", user.pk)
    before = sorted(Halt.objects.values_list("scope", "target", "mode"))
    client.force_login(make.make_user())
    for scope, target in [*mine, ("site", ""), ("instrument", instrument.pk), ("plan", "nonsense")]:
        assert client.post(HALT, {"stop": f"{scope}/{target}/halted"}).status_code == 404, scope
        address = release_page(scope, target) if target else release_page(scope)
        assert client.get(address).status_code == 404, scope
        assert client.post(address, {"password": PASSWORD, "version": "1"}).status_code == 404, scope
    assert client.post(reverse("trading:alert_acknowledge", args=[Alert.objects.get().pk])).status_code == 404
    assert sorted(Halt.objects.values_list("scope", "target", "mode")) == before
    assert Alert.objects.get().closed_at is None
    for address in (SAFETY, reverse("trading:alert_list")):
        assert account.name not in text(client.get(address))
        assert BANNER not in text(client.get(address))


def test_a_viewer_reads_and_stops_nothing(client: Client, user: User, account: BrokerAccount, plan: SwingPlan) -> None:
    """A07."""
    halts.latch("account", str(account.pk), "halted", "late")
    raise_alert("late", f"account:{account.pk}", user.pk)
    User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
    client.force_login(User.objects.get(pk=user.pk))
    for address in (SAFETY, reverse("trading:alert_list")):
        assert "<button" not in text(client.get(address)).partition('<main class="page')[2].replace(
            "<button disabled hidden>", ""
        )
    assert client.post(HALT, {"stop": f"user/{user.pk}/halted"}).status_code == 403
    assert client.get(release_page("account", account.pk)).status_code == 403
    assert release(client, "account", account.pk).status_code == 403
    assert client.post(reverse("trading:alert_acknowledge", args=[Alert.objects.get().pk])).status_code == 403
    assert (mode("user", user.pk), mode("account", account.pk)) == ("active", "halted")
    assert Alert.objects.get().closed_at is None


def test_an_admin_stops_the_site_and_an_instrument_for_everybody(client: Client, instrument: Instrument) -> None:
    client.force_login(make.make_user(role=Role.ADMIN))
    assert "사이트 전체" in text(client.get(SAFETY))
    stop(client, "site", "")
    asked = {"instrument": instrument.key, "mode": "reduce_only", "reason": "거래 정지 공시"}
    shown = text(client.post(reverse("trading:safety_halt_instrument"), asked, follow=True))
    assert "거래 정지 공시" in shown
    assert (mode("site"), mode("instrument", instrument.pk)) == ("halted", "reduce_only")
    assert release(client, "site").status_code == 302
    assert release(client, "instrument", instrument.pk).status_code == 302
    assert (mode("site"), mode("instrument", instrument.pk)) == ("active", "active")


def test_a_stopped_instrument_is_shown_with_the_orders_still_open_on_it(
    client: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    """Anybody's orders: what is not confirmed yet must not read as nothing."""
    make.accept(scene.make_order(account, instrument))
    halts.latch("instrument", str(instrument.pk), "halted", "late")
    client.force_login(make.make_user(role=Role.ADMIN))
    staff = text(client.get(SAFETY)).partition("관리자: 모든 회원에게")[2]
    assert staff.count("미확인 1건") == 2  # under the site, and under the instrument


def test_nobody_else_is_offered_or_allowed_the_site(page: Client, instrument: Instrument) -> None:
    assert "사이트 전체" not in text(page.get(SAFETY))
    asked = {"instrument": instrument.key, "mode": "halted"}
    assert page.post(reverse("trading:safety_halt_instrument"), asked).status_code == 403
    assert mode("instrument", instrument.pk) == "active"


def test_every_change_needs_the_token_of_its_page(user: User, account: BrokerAccount) -> None:
    """I41."""
    halts.latch("account", str(account.pk), "halted", "late")
    alert = raise_alert("late", "", user.pk)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    seen = reverse("trading:alert_acknowledge", args=[alert.pk])
    for address in (HALT, reverse("trading:safety_halt_instrument"), release_page("account", account.pk), seen):
        assert strict.post(address, {"password": PASSWORD}).status_code == 403


def test_a_stranger_is_sent_to_the_sign_in_page(client: Client) -> None:
    for address in (SAFETY, reverse("trading:alert_list"), release_page("site")):
        assert client.get(address)["Location"].startswith(reverse("accounts:sign_in"))


# On every page


@pytest.mark.parametrize("scope", ["site", "user", "account", "plan", "instrument"])
@pytest.mark.parametrize("to", ["reduce_only", "halted"])
def test_every_page_says_that_something_of_mine_is_stopped(
    page: Client, user: User, account: BrokerAccount, plan: SwingPlan, instrument: Instrument, scope: str, to: str
) -> None:
    targets = {"user": user.pk, "account": account.pk, "plan": plan.pk, "instrument": instrument.pk}
    assert BANNER not in text(page.get(reverse("trading:overview")))
    halts.latch(scope, str(targets.get(scope, "")), to, "late")
    for name in ("overview", "order_list", "plan_list"):
        assert f"halt-banner--{to}" in text(page.get(reverse(f"trading:{name}")))


def test_a_page_left_open_learns_that_something_stopped(page: Client, account: BrokerAccount) -> None:
    """Automatic stops come while nobody clicks: the line is fetched when the account's hint arrives."""
    address = reverse("trading:halt_banner")
    assert f'hx-get="{address}" hx-trigger="account-changed from:body' in text(page.get(reverse("trading:overview")))
    assert text(page.get(address)).strip() == ""
    halts.latch("account", str(account.pk), "reduce_only", "late")
    assert "계좌 ‘모의 하나’은(는) 청산만 할 수 있습니다." in text(page.get(address))


def test_an_instrument_nobody_of_mine_trades_is_not_my_banner(page: Client, instrument: Instrument) -> None:
    halts.latch("instrument", str(instrument.pk), "halted", "late")
    assert BANNER not in text(page.get(reverse("trading:overview")))


def test_the_navigation_counts_the_open_alerts(page: Client, user: User) -> None:
    overview = reverse("trading:overview")
    assert "nav-count" not in text(page.get(overview))
    raise_alert("late", "account:1", user.pk)
    raise_alert("late", "account:2", user.pk)
    raise_alert("late", "account:3", make.make_user().pk)
    assert re.search(r'class="nav-count">.*?새 알림 </span>2</span>', text(page.get(overview)))


def test_the_glance_costs_one_query_while_all_is_well(
    user: User, account: BrokerAccount, django_assert_num_queries: Any
) -> None:
    raise_alert("late", "account:1", user.pk)
    halts.latch("account", str(account.pk), "active", "late")
    with django_assert_num_queries(1):
        found = safety.glance(user)
    assert (found.stops, found.unread, found.mode) == ((), 1, "active")


def test_the_safety_page_asks_the_database_a_bounded_number_of_times(
    page: Client, user: User, instrument: Instrument, django_assert_max_num_queries: Any
) -> None:
    for n in range(4):
        account = make.make_account(user, name=f"모의 {n}")
        plans = [scene.make_plan(user, account, instrument, name=f"스윙 {n} {m}") for m in range(4)]
        for plan in plans:
            halts.latch("plan", str(plan.pk), "halted", "late")
            raise_alert("late", f"plan:{plan.pk}", user.pk)
        scene.make_order(account, instrument)
    with django_assert_max_num_queries(MOST_QUERIES):
        page.get(SAFETY)
    with django_assert_max_num_queries(MOST_QUERIES):
        page.get(reverse("trading:alert_list"))


# Alerts


def test_an_alert_is_read_linked_and_acknowledged_once(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    """I52: one line for one cause and subject, however often it was told."""
    order = scene.make_order(account, instrument)
    for _time in range(3):
        alert = raise_alert("outcome_unknown", f"order:{order.pk}", user.pk)
    shown = text(page.get(reverse("trading:alert_list")))
    assert reverse("trading:order", args=[order.pk]) in shown
    assert "3번" in shown
    answer = page.post(reverse("trading:alert_acknowledge", args=[alert.pk]), {"back": "safety"})
    assert answer["Location"] == SAFETY
    alert.refresh_from_db()
    assert alert.closed_by == user
    assert "확인함" in text(page.get(reverse("trading:alert_list")))
    assert "outcome_unknown" not in text(page.get(SAFETY))


@pytest.mark.parametrize("subject", ["", "account", "order:not-a-key", "site", "somewhere:else", "books:1:2"])
def test_an_alert_about_nothing_that_has_a_page_is_told_without_a_link(page: Client, user: User, subject: str) -> None:
    raise_alert("a_cause_nobody_knows", subject, user.pk)
    shown = text(page.get(reverse("trading:alert_list")))
    assert "a_cause_nobody_knows" in shown


def test_what_is_for_the_staff_is_shown_to_admins_alone(client: Client, user: User) -> None:
    raise_alert("books_do_not_balance", "site", None)
    client.force_login(user)
    assert "books_do_not_balance" not in text(client.get(reverse("trading:alert_list")))
    client.force_login(make.make_user(role=Role.ADMIN))
    assert "새 알림" in text(client.get(reverse("trading:alert_list")))


def test_reading_changes_nothing(page: Client, user: User, account: BrokerAccount, instrument: Instrument) -> None:
    order = scene.make_order(account, instrument)
    halts.latch("user", str(user.pk), "reduce_only", "late")
    raise_alert("late", "", user.pk)
    before = timezone.now()
    for address in (SAFETY, reverse("trading:alert_list"), release_page("user", user.pk)):
        assert page.get(address).status_code == 200
    assert (Order.objects.get().version, mode("user", user.pk)) == (order.version, "reduce_only")
    assert not Alert.objects.filter(last_at__gt=before).exists()
