"""The list of pages comes from the URL conf: what answers a GET is a page that is looked at, or says why it is none."""

from django.urls import get_resolver

from tests.pages import routes
from tests.pages.routes import NEEDS_MORE, NO_PAGE, Route, page_names, route_of, uncovered


def test_pages_are_known_by_their_addresses_in_the_url_conf() -> None:
    names = page_names()
    for name in ("trading:overview", "markets:instrument", "accounts:settings", "backtests:list", "help", "operations"):
        assert name in names
    for name in ("trading:order_place", "trading:portfolio_csv", "markets:bars", "health", "set_language"):
        assert name not in names, "a POST, a file, or what programs read"


def test_a_page_that_no_link_leads_to_is_missed() -> None:
    found = [Route(name, "/") for name in page_names()]
    assert uncovered(found) == set()
    assert uncovered(found[1:]) <= {found[0].name}
    assert uncovered([route for route in found if route.name != "trading:overview"]) == {"trading:overview"}


def test_what_is_said_to_be_no_page_or_to_need_more_exists() -> None:
    known = {name for _route, name, _view in routes._all(get_resolver())}
    assert NO_PAGE.keys() | NEEDS_MORE.keys() <= known


def test_one_list_and_one_form_of_the_admin_stand_for_all() -> None:
    assert route_of("/admin/trading/order/") == Route("admin:changelist", "/admin/trading/order/")
    assert route_of("/admin/") == Route("admin:index", "/admin/")
    assert route_of("/static/css/base.css") is None
