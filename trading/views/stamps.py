"""What a page must remember before it reads anything: how its person's state stood."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.models import User
from trading.events import state_stamp
from trading.views.access import PersonRequest

LISTENING = {
    "trading",
    "backtests",
    "markets:instrument",
}  # apps and single pages that open a person's stream of events


class StateStamps:
    """Notes the state's stamp on each whole page's request, before its view reads the first row.

    Noted any later, a change between the read and the stamp would be lost: the page would show the old row under the
    new stamp, its stream would not yet be open for the hint, and no heartbeat would ever tell it to look again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: PersonRequest, _view: Any, _args: Any, _kwargs: Any) -> None:
        match = request.resolver_match
        if match is None or request.htmx or not LISTENING & {match.namespace, match.view_name}:
            return
        request.state_stamp = state_stamp(request.user.pk) if isinstance(request.user, User) else ""
