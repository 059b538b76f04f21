"""The addresses of the live streams."""

from django.urls import path

from markets.consumers import QuoteStream

socket_urls = [
    path("ws/quotes/", QuoteStream.as_asgi()),
]
