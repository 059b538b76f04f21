"""The market's pages. A symbol may hold a slash (`BTC/KRW`), so its own words come after the symbol."""

from django.urls import path

from markets import views

app_name = "markets"
urlpatterns = [
    path("markets/", views.InstrumentList.as_view(), name="list"),
    path("markets/watchlist/<int:pk>/", views.ChangeWatchlist.as_view(), name="watchlist_change"),
    path("markets/<str:venue>/<path:symbol>/bars.json", views.InstrumentBars.as_view(), name="bars"),
    path("markets/<str:venue>/<path:symbol>/", views.InstrumentPage.as_view(), name="instrument"),
    path("display/theme/", views.ChangeTheme.as_view(), name="theme"),
]
