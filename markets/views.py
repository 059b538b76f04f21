"""The market's pages: every instrument with its price, one instrument, its bars, and a person's watchlist."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from markets import rules, services
from markets.forms import BarsForm, SearchForm, ThemeForm, WatchForm
from markets.models import Instrument, LatestQuote, WatchlistItem
from markets.search import matches
from markets.types import Interval

PER_PAGE = 80  # with the watchlist a page stays within the 100 instruments its socket may watch
MOST_WATCHED = 20
MOST_BARS = 500
BOOK_LEVELS = 10
TRADES_SHOWN = range(10)  # lines that stand there before the first trade comes
INTERVALS = (Interval.M1, Interval.M5, Interval.M15, Interval.H1, Interval.H4, Interval.D1)
THEME_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Row:
    """An instrument with its price, as a list shows it."""

    instrument: Instrument
    quote: LatestQuote | None
    is_watched: bool

    @property
    def change(self) -> Decimal | None:
        return self.quote.price - self.quote.base_price if self.quote else None

    @property
    def change_rate(self) -> Decimal | None:
        """Change since the base price, as a fraction; None without a price."""
        return self.quote.price / self.quote.base_price - 1 if self.quote and self.quote.base_price else None

    @property
    def is_stale(self) -> bool:
        return services.quote_is_stale(self.quote)


class PersonRequest(HttpRequest):
    """A request whose person is known."""

    user: User
    htmx: HtmxDetails


class SignedInView(LoginRequiredMixin, View):
    """For signed-in people; what they see is kept by no cache."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response


class InstrumentList(SignedInView):
    """Every instrument with its price, found by code, name or initial consonants; the watchlist above it."""

    def get(self, request: PersonRequest) -> HttpResponse:
        form = SearchForm(request.GET)
        query = form.cleaned_data["q"] if form.is_valid() else ""
        return _list(request, query, "markets/_instruments.html" if _is_fragment(request) else "markets/list.html")


class ChangeWatchlist(SignedInView):
    """Put one instrument onto the person's watchlist, or take it off; a repeat changes nothing."""

    def post(self, request: PersonRequest, pk: int) -> HttpResponse:
        instrument = get_object_or_404(Instrument, pk=pk)
        form = WatchForm(request.POST)
        if not form.is_valid():
            return HttpResponseBadRequest()
        if form.cleaned_data["watch"]:
            position = WatchlistItem.objects.filter(user=request.user).count()
            WatchlistItem.objects.get_or_create(
                user=request.user, instrument=instrument, defaults={"position": position}
            )
        else:
            WatchlistItem.objects.filter(user=request.user, instrument=instrument).delete()
        if not _is_fragment(request):
            return redirect(_next(request, reverse("markets:list") + _query(form.cleaned_data["q"])))
        if request.htmx.target == "instruments":
            return _list(request, form.cleaned_data["q"], "markets/_instruments.html")
        return render(request, "markets/_watch.html", {"row": _row(request, instrument)})


class InstrumentPage(SignedInView):
    """One instrument: its price, order book and chart, and the ticket to trade it."""

    def get(self, request: PersonRequest, venue: str, symbol: str) -> HttpResponse:
        instrument = get_object_or_404(Instrument, venue=venue, symbol=symbol)
        row = _row(request, instrument)
        context = {
            "instrument": instrument,
            "row": row,
            "quote": row.quote,
            "asks": _levels(row.quote, "asks")[::-1],
            "bids": _levels(row.quote, "bids"),
            "trade_lines": TRADES_SHOWN,
            "intervals": INTERVALS,
            "interval": Interval.H1,
            "rules": _rules(instrument, row.quote),
        }
        return render(request, "markets/instrument.html", context)


class InstrumentBars(SignedInView):
    """Stored bars for the chart, oldest first; times in seconds since 1970 UTC."""

    def get(self, request: PersonRequest, venue: str, symbol: str) -> HttpResponse:
        form = BarsForm(request.GET)
        if not form.is_valid():
            return JsonResponse({"code": "bad_interval"}, status=400)
        instrument = get_object_or_404(Instrument, venue=venue, symbol=symbol)
        interval = form.cleaned_data["interval"]
        bars = services.rows(instrument, interval, MOST_BARS)
        return JsonResponse({"key": instrument.key, "interval": interval, "source": instrument.source, "bars": bars})


class ChangeTheme(View):
    """Light, dark, or as the system says: kept in a cookie, so that the page is right before any script runs."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ThemeForm(request.POST)
        if not form.is_valid():
            return HttpResponseBadRequest()
        response = redirect(_next(request, "/"))
        response.set_cookie(
            "theme",
            form.cleaned_data["theme"],
            max_age=THEME_SECONDS,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
        return response


def _is_fragment(request: PersonRequest) -> bool:
    htmx = request.htmx
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def _next(request: HttpRequest, otherwise: str) -> str:
    """Where the form wants to go back to, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return (
        wanted if is_ours and wanted.startswith("/") else otherwise
    )  # redirect() takes any other word for a view's name


def _query(q: str) -> str:
    return f"?{urlencode({'q': q})}" if q else ""


def _list(request: PersonRequest, query: str, template: str) -> HttpResponse:
    quoted = Instrument.objects.active().live_first().select_related("quote").defer("quote__book")
    watchlist = list(WatchlistItem.objects.filter(user=request.user).values_list("instrument_id", flat=True))
    rows = [Row(i, getattr(i, "quote", None), i.pk in watchlist) for i in quoted]
    found = [r for r in rows if matches(query, r.instrument.symbol, r.instrument.name_ko, r.instrument.name_en)]
    watched = sorted((r for r in rows if r.is_watched), key=lambda r: watchlist.index(r.instrument.pk))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, template, {"q": query, "page": page, "watched": watched[:MOST_WATCHED]})


def _row(request: PersonRequest, instrument: Instrument) -> Row:
    is_watched = WatchlistItem.objects.filter(user=request.user, instrument=instrument).exists()
    return Row(instrument, services.latest_quote(instrument), is_watched)


@dataclass(frozen=True, slots=True)
class BookLevel:
    """One line of the order book; `share` is its quantity as a whole percentage of the largest one shown."""

    price: Decimal | None
    quantity: Decimal | None
    share: int


def _levels(quote: LatestQuote | None, side: str) -> list[BookLevel]:
    """Ten lines, best first, empty where the book has no more: the table keeps its height."""
    book = quote.book if quote else {}
    largest = max((Decimal(q) for s in ("bids", "asks") for _p, q in book.get(s, [])[:BOOK_LEVELS]), default=Decimal(0))
    filled = [
        BookLevel(Decimal(price), Decimal(quantity), int(Decimal(quantity) * 100 / largest) if largest else 0)
        for price, quantity in book.get(side, [])[:BOOK_LEVELS]
    ]
    return filled + [BookLevel(None, None, 0)] * (BOOK_LEVELS - len(filled))


def _rules(instrument: Instrument, quote: LatestQuote | None) -> dict[str, Any]:
    """Tick, daily limits and lot on the market's own day; only what can be known without a price when there is none."""
    known: dict[str, Any] = {"lot": instrument.lot, "min_amount": instrument.min_amount}
    if quote is None:
        return known
    today = services.calendar(instrument.calendar).trading_day(services.market_now(instrument))
    known["tick"] = rules.tick_size(instrument.tick_table, quote.price, today)
    if band := rules.price_band(instrument.rules, quote.base_price, today):
        known["low"], known["high"] = band
    return known
