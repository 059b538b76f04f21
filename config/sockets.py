"""The addresses of the live streams, and whose cookies they read: those of this site's own pages, and nobody else's."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import path, re_path

from markets.consumers import QuoteStream
from trading.consumers import EventStream, KisSocket

Application = Callable[..., Awaitable[Any]]


class OwnPagesByCookie:
    """A page of this site comes in by its cookie. Programs, which send no Origin, and pages of the sites in CORS_ORIGINS
    say in the first message who they are, whatever cookie comes along. Any other page is refused (I41).
    """

    def __init__(self, inner: Application) -> None:
        self._by_first_message = inner
        self._by_cookie = SessionMiddlewareStack(inner)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not origins or (len(origins) == 1 and origins[0] in settings.CORS_ALLOWED_ORIGINS):
            return await self._by_first_message(scope, receive, send)
        if len(origins) == len(hosts) == 1 and is_own_page(origins[0], hosts[0]):
            return await self._by_cookie(scope, receive, send)
        return await WebsocketDenier.as_asgi()(scope, receive, send)


def is_own_page(origin: str, host: str) -> bool:
    """Whether the page came from where the socket is opened: the same host and port, and a host of ours."""
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    domain, _port = split_domain_port(host)
    same_place = page.scheme in {"http", "https"} and page.netloc.lower() == host.lower()
    return same_place and bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


socket_urls = [
    path("ws/quotes/", OwnPagesByCookie(QuoteStream.as_asgi())),
    path("ws/events/", OwnPagesByCookie(EventStream.as_asgi())),
    # A token opens these and a cookie never does, so nobody's browser can be lent to a stranger's page.
    path("ws/kis_socket/", KisSocket.as_asgi()),
    path("kis_socket", KisSocket.as_asgi()),
    re_path("", WebsocketDenier.as_asgi()),
]
sockets = URLRouter(socket_urls)
