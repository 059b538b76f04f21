"""Addresses of which one fails: for what is answered then."""

from typing import NoReturn

from django.urls import path

from config import api_pages

handler404, handler500 = api_pages.handler404, api_pages.handler500


def fail(_request: object) -> NoReturn:
    raise RuntimeError("as a test asked for")


urlpatterns = [path("api/v1/fails/", fail)]
