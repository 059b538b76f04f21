"""The addresses of the live streams."""

from django.urls import path

from markets.consumers import QuoteStream
from trading.consumers import EventStream

socket_urls = [
    path("ws/quotes/", QuoteStream.as_asgi()),
    path("ws/events/", EventStream.as_asgi()),
]
