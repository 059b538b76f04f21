"""Switching the second factor on and off (A09)."""

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Secret, Strict
from accounts.api.people import place_of
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation
from accounts.services import api_devices as devices
from accounts.services import second_factor as factors


class FactorAnswer(Answer):
    is_on = serializers.BooleanField()
    recovery_codes_left = serializers.IntegerField()


class EnrolmentAnswer(Answer):
    secret = serializers.CharField(help_text="For typing into an authenticator app; shown once.")
    otpauth_uri = serializers.CharField(help_text="The same as a QR code holds it.")


class CodeBody(Strict):
    code = Secret(max_length=32)


class RecoveryCodesAnswer(Answer):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Each lets you in once without the app. Shown once."
    )


class FactorView(ApiView):
    permission_classes = [SignedIn]
    without_second_factor = by_people_alone = True


class Factor(FactorView):
    @operation("Whether the second factor is on", answer=FactorAnswer)
    def get(self, request: ApiRequest) -> Response:
        is_on = request.user.is_2fa_enabled
        return Response({"is_on": is_on, "recovery_codes_left": factors.codes_left(request.user) if is_on else 0})

    @operation("Begin: a fresh secret for the authenticator app", answer=EnrolmentAnswer, steps_up=True, errors=(422,))
    def post(self, request: ApiRequest) -> Response:
        begun = factors.enrol(request.user)
        return Response({"secret": begun.secret, "otpauth_uri": begun.address})

    @operation("Switch it off", status=204, steps_up=True, errors=(422,))
    def delete(self, request: ApiRequest) -> Response:
        factors.switch_off(request.user)
        devices.end_devices(request.user, "second_factor_off", keep=request.auth.pk)
        return Response(status=204)


class Confirm(FactorView):
    @operation(
        "Switch it on with the app's first code",
        body=CodeBody,
        answer=RecoveryCodesAnswer,
        description="Every other device is signed out; this one counts as signed in with the second factor.",
    )
    def post(self, request: ApiRequest) -> Response:
        codes = factors.confirm(request.user, self.asked["code"], place_of(request, request.user.email))
        devices.end_devices(request.user, "second_factor_on", keep=request.auth.pk)
        devices.step_up(request.auth, second_factor=True)
        return Response({"recovery_codes": codes})


class RecoveryCodes(FactorView):
    @operation("New recovery codes; the old ones are void", answer=RecoveryCodesAnswer, steps_up=True, errors=(422,))
    def post(self, request: ApiRequest) -> Response:
        return Response({"recovery_codes": factors.new_recovery_codes(request.user)})
