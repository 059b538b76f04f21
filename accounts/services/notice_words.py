"""What people are told about their own sign-in, in words. Causes are stable, words are not."""

from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "new_device": _("처음 보는 기기에서 로그인했습니다: %(device)s, 주소 %(address)s"),
    "password_changed": _("비밀번호를 바꾸었습니다. 다른 기기와 API 토큰은 모두 로그아웃되었습니다."),
    "second_factor_on": _("2단계 인증을 켰습니다."),
    "second_factor_off": _("2단계 인증을 껐습니다."),
    "recovery_code_used": _("복구 코드 하나로 로그인했습니다. 남은 복구 코드: %(left)s개"),
    "recovery_codes_made": _("복구 코드를 새로 만들었습니다. 이전 코드는 쓸 수 없습니다."),
    "token_made": _("API 토큰을 만들었습니다: %(name)s"),
    "token_used_again": _("이미 쓴 로그인 토큰이 다시 쓰여 그 기기를 로그아웃했습니다: %(device)s"),
    "email_change_asked": _("이메일을 %(email)s(으)로 바꾸려는 요청이 있었습니다."),
    "email_changed": _("이메일을 %(email)s(으)로 바꾸었습니다."),
    "email_change_undone": _("이메일 변경을 되돌렸습니다. 모든 기기가 로그아웃되었습니다."),
}
