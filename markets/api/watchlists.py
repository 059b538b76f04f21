"""A person's watchlist (P08)."""

from django.db import transaction
from rest_framework.response import Response

from accounts.api.fields import Answer
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation
from accounts.models import User
from markets.api.instruments import InstrumentAnswer, instrument_row
from markets.api.keys import instrument_of
from markets.models import WatchlistItem

MOST_WATCHED = 200


class WatchlistAnswer(Answer):
    results = InstrumentAnswer(many=True)


class Watchlist(ApiView):
    @operation("The watched instruments, in their order", answer=WatchlistAnswer)
    def get(self, request: ApiRequest) -> Response:
        items = WatchlistItem.objects.filter(user=request.user).select_related("instrument")
        return Response({"results": [instrument_row(item.instrument) for item in items]})


class Watched(ApiView):
    """What a person looks at moves no money: viewers keep a list, too. A repeat changes nothing."""

    permission_classes = [SignedIn]

    @operation("Watch an instrument", answer=InstrumentAnswer, errors=(422,))
    def put(self, request: ApiRequest, key: str) -> Response:
        instrument = instrument_of(key)
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
            watched = WatchlistItem.objects.filter(user=request.user)
            if not watched.filter(instrument=instrument).exists():
                if (position := watched.count()) >= MOST_WATCHED:
                    raise Problem("too_many_watched", limit=MOST_WATCHED)
                WatchlistItem.objects.create(user=request.user, instrument=instrument, position=position)
        return Response(instrument_row(instrument))

    @operation("Watch it no more", status=204)
    def delete(self, request: ApiRequest, key: str) -> Response:
        WatchlistItem.objects.filter(user=request.user, instrument=instrument_of(key)).delete()
        return Response(status=204)
