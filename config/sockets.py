"""The addresses of the live streams."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path, re_path

from markets.consumers import QuoteStream
from trading.consumers import EventStream, KisSocket

socket_urls = [
    path("ws/quotes/", QuoteStream.as_asgi()),
    path("ws/events/", EventStream.as_asgi()),
]
# A token in the first message opens these and a cookie never does, so nobody's browser can be lent to a stranger's page:
# any program may connect, with or without an Origin.
token_socket_urls = [
    path("ws/kis_socket/", KisSocket.as_asgi()),
    path("kis_socket", KisSocket.as_asgi()),
]
sockets = URLRouter(
    [*token_socket_urls, re_path("", AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(socket_urls))))]
)
