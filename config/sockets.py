"""The addresses of the live streams."""

from channels.routing import URLRouter  # noqa: F401

socket_urls: list[object] = []
