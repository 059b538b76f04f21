"""`/api/v1/instruments/…` and `/api/v1/watchlists/…`. A symbol may hold a slash, so the longer addresses come first."""

from django.urls import path

from markets.api import instruments, watchlists

urlpatterns = [
    path("instruments/", instruments.Instruments.as_view()),
    path("instruments/<instrument:key>/quote/", instruments.Quote.as_view()),
    path("instruments/<instrument:key>/order-book/", instruments.OrderBook.as_view()),
    path("instruments/<instrument:key>/bars/", instruments.Bars.as_view()),
    path("instruments/<instrument:key>/", instruments.OneInstrument.as_view()),
    path("watchlists/", watchlists.Watchlist.as_view()),
    path("watchlists/<instrument:key>/", watchlists.Watched.as_view()),
]
