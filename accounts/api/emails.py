"""Changing the e-mail address: asked for, confirmed by the link mailed to the new one, undone by the one mailed to the old."""

import logging

from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from accounts import tasks
from accounts.api.fields import Answer, Secret, Strict
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation
from accounts.services import client_address, email_change

logger = logging.getLogger(__name__)


class EmailBody(Strict):
    email = serializers.EmailField(max_length=254)


class EmailAnswer(Answer):
    email = serializers.EmailField(help_text="The address that counts.")
    waiting_for = serializers.EmailField(allow_null=True, help_text="The new one, until it has been confirmed.")
    confirm_until = serializers.DateTimeField(allow_null=True)


class LinkBody(Strict):
    link = Secret(max_length=128, help_text="The last part of the mailed address.")


class Email(ApiView):
    permission_classes = [SignedIn]
    by_people_alone = True

    @operation("The address, and the one that waits to be confirmed", answer=EmailAnswer)
    def get(self, request: ApiRequest) -> Response:
        return _answer(request)

    @operation(
        "Ask for another address",
        body=EmailBody,
        answer=EmailAnswer,
        status=202,
        steps_up=True,
        description="A link goes to the new address and one that undoes it to the old. The same answer whether or not the "
        "new one belongs to somebody already.",
    )
    def post(self, request: ApiRequest) -> Response:
        change = email_change.ask(request.user, self.asked["email"], client_address(request._request))
        site = f"{request.scheme}://{request.get_host()}"
        try:
            tasks.send_email_change.delay(change.pk, site)
        except OperationalError:
            logger.exception("the mails of a change of address could not be queued")
            raise Problem("unavailable", 503) from None
        return _answer(request, status=202)


class Confirm(ApiView):
    """Whoever has the link has read the new address' mail."""

    permission_classes = [AllowAny]

    @operation("Confirm the new address; every sign-in ends", body=LinkBody, status=204)
    def post(self, request: ApiRequest) -> Response:
        email_change.confirm(self.asked["link"], client_address(request._request))
        return Response(status=204)


class Undo(ApiView):
    """Whoever has the link has read the old address' mail."""

    permission_classes = [AllowAny]

    @operation(
        "Take a change of address back",
        body=LinkBody,
        status=204,
        description="Every sign-in ends, the password counts no more, and a link for a new one is mailed to the old address.",
    )
    def post(self, request: ApiRequest) -> Response:
        user = email_change.undo(self.asked["link"], client_address(request._request))
        try:
            tasks.send_password_reset.delay(user.email, f"{request.scheme}://{request.get_host()}")
        except OperationalError:
            logger.exception("a password reset could not be queued")  # it can be asked for again
        return Response(status=204)


def _answer(request: ApiRequest, status: int = 200) -> Response:
    waiting = email_change.waiting_change(request.user)
    return Response(
        {
            "email": request.user.email,
            "waiting_for": waiting.new_email if waiting else None,
            "confirm_until": waiting.confirm_until if waiting else None,
        },
        status=status,
    )
