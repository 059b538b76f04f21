"""What lets a program into a socket without its token travelling there: a ticket, used once (I41)."""

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation
from accounts.services.socket_rights import issue_ticket


class TicketAnswer(Answer):
    ticket = serializers.CharField(help_text='For the first message of one socket: `{"ticket": "…"}`.')
    expires_at = serializers.DateTimeField(help_text="Half a minute from now; used or not.")


class SocketTicket(ApiView):
    tag = "auth"
    permission_classes = [SignedIn]

    @operation(
        "A ticket for one socket",
        answer=TicketAnswer,
        status=201,
        description="Opens `/ws/quotes/` or `/ws/events/` once, for thirty minutes, as long as this device is signed in.",
    )
    def post(self, request: ApiRequest) -> Response:
        ticket = issue_ticket(request.auth)
        return Response({"ticket": ticket.text, "expires_at": ticket.expires_at}, status=201)
