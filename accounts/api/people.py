"""Signing up, in and out, and what a person may change about themselves (A01–A05, A08)."""

import logging
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from accounts import lockout, tasks
from accounts.api.fields import Answer, Secret, Strict, Text, detail, messages_of
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation, require_match
from accounts.models import User, plain_name
from accounts.services import (
    Place,
    check_password,
    client_address,
    device_token,
    known_device,
    notices,
    sign_up,
    spend,
    tell_of_new_device,
)
from accounts.services import api_devices as devices
from accounts.services import second_factor as factors
from accounts.services.api_devices import Tokens
from accounts.services.audit import record

logger = logging.getLogger(__name__)


class RegisterBody(Strict):
    email = serializers.EmailField(max_length=254)
    password = Secret(max_length=128, min_length=12)


class MessageAnswer(Answer):
    message = serializers.CharField()


class Register(ApiView):
    """Where registration is open (C07). The answer never says whether the e-mail was taken: its owner is told by mail."""

    permission_classes = [AllowAny]

    @operation(
        "Sign up",
        body=RegisterBody,
        answer=MessageAnswer,
        status=201,
        description="The same answer whether or not the e-mail already has an account; its owner is told by mail.",
    )
    def post(self, request: ApiRequest) -> Response:
        if not settings.REGISTRATION_OPEN:
            raise Problem("registration_closed", 403)
        email, password = self.asked["email"].lower(), self.asked["password"]
        check_new_password(password, User(email=email), "password")
        spend({f"sign-up {lockout.address_block(client_address(request._request))}": lockout.SIGN_UPS_PER_PLACE})
        is_new = sign_up(email, password, language=(translation.get_language() or "ko")[:2])
        try:
            tasks.send_sign_up_notice.delay(email, f"{request.scheme}://{request.get_host()}", is_new)
        except OperationalError:
            logger.exception("the sign-up notice could not be queued")  # the sign-up itself stands
        return Response({"message": _("회원가입 성공")}, status=201)


class LoginBody(Strict):
    email = serializers.EmailField(max_length=254)
    password = Secret()
    code = Secret(max_length=32, required=False, help_text="Of the authenticator app, or a recovery code.")
    device_name = Text(max_length=120, required=False, help_text="What the person's list of devices calls this one.")


class TokenAnswer(Answer):
    access_token = serializers.CharField(help_text="For `Authorization: Bearer …`, 30 minutes.")
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds.")
    refresh_token = serializers.CharField(help_text="Used once; each use gives the next one.")
    refresh_expires_at = serializers.DateTimeField(help_text="When the person has to sign in again.")
    device_id = serializers.UUIDField()


class SignInAnswer(TokenAnswer):
    device_token = serializers.CharField(
        help_text="Send it as `X-Device-Token` with the next sign-in: others' wrong guesses then do not delay this device."
    )


class Login(ApiView):
    """E-mail and password, and a code where the second factor is on. One answer for every failure (security.md 6.3.8)."""

    permission_classes = [AllowAny]

    @operation(
        "Sign in",
        body=LoginBody,
        answer=SignInAnswer,
        description="`second_factor_needed` (401): right so far; send the same again with `code`.",
    )
    def post(self, request: ApiRequest) -> Response:
        email = self.asked["email"].lower()
        user = check_password(request._request, email, self.asked["password"], place_of(request, email))
        used = prove_second_factor(request, user, self.asked.get("code"))
        name = self.asked.get("device_name") or request.headers.get("User-Agent", "")
        address = client_address(request._request)
        was_known = bool(known_device(request._request, email))
        tokens = devices.sign_in_device(user, name=name, address=address, second_factor=used)
        tell_of_new_device(user, was_known, tokens.device.name, address)
        return Response(shown(tokens) | {"device_token": device_token(request._request, email)})


class RefreshBody(Strict):
    refresh_token = Secret(max_length=256)


class Refresh(ApiView):
    """New tokens for old (A03). Sent twice, the device is signed out."""

    permission_classes = [AllowAny]

    @operation("New tokens for a refresh token", body=RefreshBody, answer=TokenAnswer)
    def post(self, request: ApiRequest) -> Response:
        try:
            return Response(shown(devices.rotate(self.asked["refresh_token"])))
        except devices.RefreshRefused as e:
            raise Problem(e.code, 401) from None


class Logout(ApiView):
    permission_classes = [SignedIn]
    without_second_factor = by_people_alone = True

    @operation("Sign this device out", status=204)
    def post(self, request: ApiRequest) -> Response:
        devices.end_device(request.user, request.auth.pk, devices.SIGN_OUT)
        return Response(status=204, headers={"Clear-Site-Data": '"cache", "storage"'})


class MeAnswer(Answer):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=["viewer", "trader", "admin"])
    language = serializers.ChoiceField(choices=["ko", "en"])
    time_zone = serializers.CharField()
    is_active = serializers.BooleanField()
    is_2fa_enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MeBody(Strict):
    name = Text(max_length=64, allow_blank=True, required=False)
    language = serializers.ChoiceField(choices=["ko", "en"], required=False)
    time_zone = Text(max_length=64, required=False, help_text="An IANA name, such as Asia/Seoul.")

    def validate_time_zone(self, name: str) -> str:
        if name not in available_timezones():
            raise ValidationError([detail("invalid_choice")])
        return name

    def validate_name(self, name: str) -> str:
        try:
            plain_name(name)
        except DjangoValidationError as e:
            raise ValidationError(messages_of(e)) from None
        return name


class Me(ApiView):
    permission_classes = [SignedIn]
    without_second_factor = True

    @operation("The signed-in person", answer=MeAnswer)
    def get(self, request: ApiRequest) -> Response:
        return _me(request.user)

    @operation("Change name, language or time zone", body=MeBody, answer=MeAnswer, if_match=True)
    def patch(self, request: ApiRequest) -> Response:
        if request.auth.is_token:
            raise Problem("not_with_a_token", 403)
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=request.user.pk)
            require_match(self.if_match, _etag(user))
            for name, value in self.asked.items():
                setattr(user, name, value)
            try:
                with transaction.atomic():
                    user.save(update_fields=[*self.asked, "updated_at"])
            except IntegrityError:
                raise Problem("name_taken") from None
        return _me(user)


class PasswordBody(Strict):
    old_password = Secret()
    new_password = Secret(max_length=128, min_length=12)


class Password(ApiView):
    """Ends every session and device of the person; the one that asked goes on with new tokens."""

    permission_classes = [SignedIn]
    without_second_factor = by_people_alone = True

    @operation("Change the password", body=PasswordBody, answer=TokenAnswer)
    def post(self, request: ApiRequest) -> Response:
        user = check_password(
            request._request, request.user.email, self.asked["old_password"], place_of(request, request.user.email)
        )
        check_new_password(self.asked["new_password"], user, "new_password")
        with transaction.atomic():
            user.set_password(self.asked["new_password"])
            user.save(update_fields=["password", "updated_at"])
            devices.end_devices(user, devices.PASSWORD_CHANGED)
            record(user, "password_changed", f"user:{user.pk}", address=client_address(request._request))
            notices.tell_security(user, "password_changed")
            had = request.auth
            tokens = devices.sign_in_device(
                user, name=had.name, address=had.address, second_factor=had.used_second_factor
            )
        return Response(shown(tokens))


class StepUpBody(Strict):
    password = Secret()
    code = Secret(max_length=32, required=False)


class StepUp(ApiView):
    """Proof, a moment before something that matters, of who holds the device (I39)."""

    permission_classes = [SignedIn]
    without_second_factor = by_people_alone = True

    @operation("Prove who you are, for ten minutes", body=StepUpBody, status=204)
    def post(self, request: ApiRequest) -> Response:
        place = place_of(request, request.user.email)
        user = check_password(request._request, request.user.email, self.asked["password"], place)
        devices.step_up(request.auth, second_factor=prove_second_factor(request, user, self.asked.get("code")))
        return Response(status=204)


class DeviceAnswer(Answer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["browser", "app"])
    name = serializers.CharField()
    address = serializers.CharField()
    created_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    is_this_one = serializers.BooleanField()


class DevicesAnswer(Answer):
    results = DeviceAnswer(many=True)


class EndedAnswer(Answer):
    ended = serializers.IntegerField()


class Devices(ApiView):
    """Where the person is signed in, browsers and apps (A17); tokens have an address of their own."""

    permission_classes = [SignedIn]
    without_second_factor = by_people_alone = True

    @operation("Signed-in devices", answer=DevicesAnswer)
    def get(self, request: ApiRequest) -> Response:
        columns = ("id", "kind", "name", "address", "created_at", "seen_at", "expires_at")
        rows = devices.live_devices(request.user).values(*columns)
        return Response({"results": [row | {"is_this_one": row["id"] == request.auth.pk} for row in rows]})

    @operation("Sign every other device out", answer=EndedAnswer)
    def delete(self, request: ApiRequest) -> Response:
        return Response({"ended": _end_others(request)})


def _end_others(request: ApiRequest) -> int:
    return devices.end_devices(request.user, devices.ELSEWHERE, keep=request.auth.pk, kinds=devices.SIGNED_IN)


class OneDevice(ApiView):
    permission_classes = [SignedIn]
    without_second_factor = by_people_alone = True

    @operation("Sign one device out", status=204)
    def delete(self, request: ApiRequest, device_id: Any) -> Response:
        devices.end_device(request.user, device_id)
        return Response(status=204)


def place_of(request: ApiRequest, email: str) -> Place:
    """Where a request comes from, for what guessing costs."""
    return Place(lockout.address_block(client_address(request._request)), known_device(request._request, email))


def prove_second_factor(request: ApiRequest, user: User, code: str | None) -> bool:
    """Whether a second factor was shown. Raises Problem where one is needed and none was sent, WrongCode, TooManyTries."""
    if not user.is_2fa_enabled:
        return False
    if not code:
        raise Problem("second_factor_needed", 401)
    factors.check(user, code, place_of(request, user.email))
    return True


def check_new_password(password: str, user: User, field: str) -> None:
    """Raise ValidationError for a password that is too easy to guess."""
    try:
        password_validation.validate_password(password, user)
    except DjangoValidationError as e:
        raise ValidationError({field: messages_of(e)}) from None


def shown(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": tokens.access_seconds,
        "refresh_token": tokens.refresh,
        "refresh_expires_at": tokens.device.expires_at,
        "device_id": tokens.device.pk,
    }


def _me(user: User) -> Response:
    return Response({name: getattr(user, name) for name in MeAnswer.names()}, headers={"ETag": _etag(user)})


def _etag(user: User) -> str:
    return f'"{int(user.updated_at.timestamp() * 1_000_000)}"'
