"""Which pages there are, by the URL conf, and an address of each, found by following the links a person sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag, urlsplit

from django.http import HttpResponseNotAllowed
from django.test import RequestFactory
from django.urls import Resolver404, get_resolver, resolve
from django.urls.resolvers import URLResolver
from playwright.sync_api import Response

from tests.e2e.browser import Visit

SIGNED_OUT = ("/", "/sign-in/", "/sign-in/new/", "/sign-in/password/reset/", "/sign-in/password/reset/sent/")
BEGINNINGS = (
    "/dashboard/",
    "/markets/",
    "/portfolio/",
    "/plans/",
    "/orders/",
    "/accounts/",
    "/strategies/",
    "/backtests/",
    "/safety/",
    "/help/",
    "/sign-in/settings/",
)
OF_ADMINS = ("/operations/", "/admin/")  # where an admin begins; Django's lists and forms are walked one of each kind
NOT_OURS = ("/static/", "/api/", "/health", "/ws/")  # files, and what programs read
PROGRAMS = ("api/", "redoc", "admin/", "health", "i18n/", "static/")
WITH_QUERY = {"trading:strategy_new"}  # pages that are none without what a link asks them
MOST = 160

# What answers a GET and is no page of its own, with what it is.
NO_PAGE = {
    "trading:landing": "a door to the overview or the sign-in page",
    "trading:instrument_mine": "a part of the instrument's page",
    "trading:halt_banner": "a part of every page",
    "backtests:parameters": "a part of the form",
    "backtests:sweep_parameters": "a part of the form",
    "backtests:again": "a door to the form",
    "accounts:sign_out": "a door out",
    "backtests:stored": "a part of the form",
}
# What a demo has no row of, with what it would take.
NEEDS_MORE = {
    "accounts:password_reset_confirm": "a link from a mail",
    "accounts:email_confirm": "a link from a mail",
    "accounts:email_undo": "a link from a mail",
    "accounts:confirm": "a sign-in of some time ago",
    "backtests:compare": "runs ticked in a form",
    "trading:account_key": "a broker's key",
    "trading:account_key_remove": "a broker's key",
    "trading:difference": "a difference between the books and a broker",
    "trading:safety_release": "a stop that is in force",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One page: its route's name, and an address of it."""

    name: str
    path: str


def page_names() -> set[str]:
    """Every named route of the URL conf that answers a GET with a page."""
    found = (name for route, name, view in _all(get_resolver()) if _may_be_page(route, view))
    return {name for name in found if name} - NO_PAGE.keys()


def route_of(address: str) -> Route | None:
    """The route behind an address of ours; None for what is no page."""
    parts = urlsplit(urldefrag(address).url)
    if parts.path.startswith(NOT_OURS):
        return None
    try:
        found = resolve(parts.path)
    except Resolver404:
        return None
    if found.view_name in NO_PAGE:
        return None
    asked = f"?{parts.query}" if parts.query and found.view_name in WITH_QUERY else ""
    return Route(_kind(found.view_name) or parts.path, parts.path + asked)


def signed_out_pages() -> list[Route]:
    named = {path: route for path in SIGNED_OUT if (route := route_of(path))}
    return [Route("home", "/"), *named.values()]


def pages(visit: Visit, beginnings: tuple[str, ...] = BEGINNINGS) -> list[Route]:
    """Every page that links lead a signed-in person to, the first address of each route, in the order found."""
    found: dict[str, Route] = {}
    waiting = [route for path in beginnings if (route := route_of(path))]
    seen = {route.name for route in waiting}
    while waiting and len(found) < MOST:
        route = waiting.pop(0)
        answer = None if _is_file(route) else visit.page.goto(visit.url + route.path)
        if answer is not None and not answer.ok:
            print(f"  {route.path} answered {answer.status}")
        if not _is_page(answer):
            continue
        found[route.name] = route
        for other in _links(visit):
            if other.name not in seen and _belongs(other, beginnings):
                seen.add(other.name)
                waiting.append(other)
    return list(found.values())


def uncovered(routes: list[Route]) -> set[str]:
    """Pages of the URL conf that none of these routes is."""
    return page_names() - NEEDS_MORE.keys() - {route.name for route in routes}


def _all(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[tuple[str, str, Any]]:
    """Each pattern as its route, its full name and its view."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _all(pattern, route, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield route, f"{space}{pattern.name}" if pattern.name else "", pattern.callback


def _may_be_page(route: str, view: Any) -> bool:
    if route.startswith(PROGRAMS) or _is_file(Route("", route)) or "export/" in route:
        return False
    of_class = getattr(view, "view_class", None)
    if of_class is not None:
        return hasattr(of_class, "get")
    try:
        return not isinstance(view(RequestFactory().get("/")), HttpResponseNotAllowed)
    except Exception:  # it took the GET up and then missed its arguments or its person
        return True


def _kind(name: str) -> str:
    """One of Django's own pages stands for all of its kind: `admin:trading_order_changelist` is `admin:changelist`."""
    return f"admin:{name.rpartition('_')[2]}" if name.startswith("admin:") and "_" in name else name


def _belongs(route: Route, beginnings: tuple[str, ...]) -> bool:
    """Admins look at their own pages; everybody's pages are looked at as a trader."""
    return beginnings is not OF_ADMINS or route.path.startswith(OF_ADMINS)


def _links(visit: Visit) -> Iterator[Route]:
    hrefs: list[str] = visit.page.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.href)")
    for href in hrefs:
        if urlsplit(href).netloc == urlsplit(visit.url).netloc and (route := route_of(href)):
            yield route


def _is_file(route: Route) -> bool:
    return route.path.endswith((".csv", ".json", ".yaml", ".kis.yaml", "report.html", "<str:file>"))


def _is_page(response: Response | None) -> bool:
    """What answers in its own place with a page: no file, and no door to another page."""
    if response is None or not response.ok or response.request.redirected_from is not None:
        return False
    return "text/html" in response.headers.get("content-type", "")
