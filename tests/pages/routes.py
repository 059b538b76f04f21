"""Which pages there are: found by following the links a person sees, one address for each route."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Response

from tests.e2e.browser import Visit

SIGNED_OUT = ("/", "/sign-in/", "/sign-in/new/", "/sign-in/password/reset/")
BEGINNINGS = (
    "/dashboard/",
    "/markets/",
    "/plans/",
    "/orders/",
    "/accounts/",
    "/strategies/",
    "/backtests/",
    "/safety/",
)
NOT_OURS = ("/admin/", "/static/", "/api/")  # Django's own, files, and what programs read
MOST = 120


@dataclass(frozen=True, slots=True)
class Route:
    """One page: its route's name, and an address of it."""

    name: str
    path: str


def route_of(address: str) -> Route | None:
    """The route behind an address of ours; None for what is no page."""
    parts = urlsplit(urldefrag(address).url)
    if parts.path.startswith(NOT_OURS):
        return None
    try:
        found = resolve(parts.path)
    except Resolver404:
        return None
    return Route(found.view_name or parts.path, parts.path)


def signed_out_pages() -> list[Route]:
    return [route for path in SIGNED_OUT if (route := route_of(path))]


def pages(visit: Visit) -> list[Route]:
    """Every page that links lead a signed-in person to, the first address of each route, in the order found."""
    found: dict[str, Route] = {}
    waiting = [route for path in BEGINNINGS if (route := route_of(path))]
    seen = {route.name for route in waiting}
    while waiting and len(found) < MOST:
        route = waiting.pop(0)
        if not _is_page(visit.page.goto(visit.url + route.path) if not _is_file(route) else None):
            continue
        found[route.name] = route
        for other in _links(visit):
            if other.name not in seen:
                seen.add(other.name)
                waiting.append(other)
    return list(found.values())


def _links(visit: Visit) -> Iterator[Route]:
    hrefs: list[str] = visit.page.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.href)")
    for href in hrefs:
        if urlsplit(href).netloc == urlsplit(visit.url).netloc and (route := route_of(href)):
            yield route


def _is_file(route: Route) -> bool:
    return route.path.endswith((".csv", ".json", ".yaml", ".kis.yaml", "report.html"))


def _is_page(response: Response | None) -> bool:
    """What answers in its own place with a page: no file, and no door to another page."""
    if response is None or not response.ok or response.request.redirected_from is not None:
        return False
    return "text/html" in response.headers.get("content-type", "")
