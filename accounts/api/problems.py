"""Why a request was not done: a stable code, its HTTP status, and what a program needs to know about it.

Every such answer has one shape, `{code, message, detail, request_id}`; `config.api` writes it, for all errors of all apps.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

SENTENCES = {
    # the request itself
    "invalid_request": _("요청을 확인해 주세요. 자세한 내용은 detail에 있습니다."),
    "unreadable_body": _("본문을 읽을 수 없습니다. 올바른 JSON 하나를 보내 주세요."),
    "unexpected_body": _("이 요청에는 본문이 없어야 합니다."),
    "body_too_large": _("본문이 너무 큽니다."),
    "unsupported_media_type": _("본문은 application/json으로 보내 주세요."),
    "not_csv": _("파일은 본문에 그대로, text/csv로 보내 주세요."),
    "method_not_allowed": _("이 주소에서는 쓸 수 없는 메서드입니다."),
    "not_found": _("찾을 수 없습니다."),
    "bad_cursor": _("다음 쪽을 가리키는 값이 올바르지 않습니다."),
    "idempotency_key_missing": _("Idempotency-Key 머리글이 필요합니다. 같은 요청을 다시 보낼 때는 같은 값을 쓰세요."),
    "idempotency_key_invalid": _("Idempotency-Key는 눈에 보이는 ASCII 글자 1자에서 128자까지입니다."),
    "if_match_missing": _("If-Match 머리글이 필요합니다. 마지막으로 읽은 ETag를 넣어 주세요."),
    "changed_meanwhile": _("그 사이 바뀌었습니다. 다시 읽은 뒤 바꿔 주세요."),
    "too_many_requests": _("요청이 너무 많습니다. %(seconds)s초 뒤에 다시 보내 주세요."),
    "unavailable": _("지금은 처리할 수 없습니다. 잠시 뒤에 다시 시도하세요."),
    "internal_error": _("처리하지 못했습니다. request_id를 관리자에게 알려 주세요."),
    # who asks
    "not_signed_in": _("로그인이 필요합니다."),
    "token_expired": _("로그인 시간이 지났습니다. 토큰을 새로 받아 주세요."),
    "token_invalid": _("쓸 수 없는 토큰입니다. 다시 로그인해 주세요."),
    "refresh_token_invalid": _("쓸 수 없는 갱신 토큰입니다. 다시 로그인해 주세요."),
    "wrong_password": _("이메일 또는 비밀번호가 맞지 않습니다."),
    "wrong_code": _("인증 코드가 맞지 않거나 이미 쓴 코드입니다."),
    "too_many_tries": _("시도가 많았습니다. %(seconds)s초 뒤에 다시 시도하세요."),
    "second_factor_needed": _("2단계 인증 코드를 code에 넣어 주세요."),
    "second_factor_required": _("2단계 인증을 켜고 그 코드로 로그인해야 합니다."),
    "second_factor_is_on": _("2단계 인증이 이미 켜져 있습니다."),
    "second_factor_is_off": _("2단계 인증이 꺼져 있습니다."),
    "second_factor_is_required": _("관리자는 2단계 인증을 끌 수 없습니다."),
    "second_factor_not_begun": _("먼저 2단계 인증 등록을 시작해 주세요."),
    "step_up_required": _("본인 확인이 필요합니다. 비밀번호를 다시 보내 주세요."),
    "not_with_a_token": _("API 토큰으로는 할 수 없습니다. 로그인해서 해 주세요."),
    "token_reads_only": _("읽기만 할 수 있는 API 토큰입니다."),
    "too_many_tokens": _("API 토큰은 %(limit)s개까지 만들 수 있습니다."),
    "same_email": _("지금 쓰는 이메일과 같습니다."),
    "link_over": _("이미 쓰였거나 시간이 지난 링크입니다."),
    "notice_is_fixed": _("끌 수 없는 알림입니다."),
    "not_permitted": _("이 일을 할 권한이 없습니다."),
    "read_only_role": _("조회 전용 회원은 바꿀 수 없습니다."),
    "registration_closed": _("지금은 가입을 받지 않습니다."),
    "password_refused": _("이 비밀번호는 쓸 수 없습니다."),
    "name_taken": _("이미 쓰이는 이름입니다."),
    "default_account_missing": _("요청에 계좌가 없고 기본 계좌도 정해져 있지 않습니다."),
    "default_instrument_missing": _("요청에 종목이 없고 기본 종목도 정해져 있지 않습니다."),
    "default_budget_missing": _("요청에 예산이 없고 기본 예산도 정해져 있지 않습니다."),
    "too_many_watched": _("관심 종목은 %(limit)s개까지입니다."),
    "leverage_not_available": _("현금으로 사는 계좌라 레버리지는 %(max_leverage)s배까지입니다. 요청: %(leverage)s배"),
    "wish_not_understood": _(
        "아는 전략을 찾지 못했습니다. 스윙, RSI, 이동평균, 변동성 돌파 가운데 하나를 넣어 적어 주세요."
    ),
    "document_invalid": _("규칙 문서를 쓸 수 없습니다. 자세한 내용은 detail에 있습니다."),
    # what is wrong with one field
    "unknown_field": _("모르는 항목입니다."),
    "sent_twice": _("한 번만 보낼 수 있습니다."),
    "required": _("꼭 필요합니다."),
    "null": _("비워 둘 수 없습니다."),
    "blank": _("비워 둘 수 없습니다."),
    "invalid": _("올바르지 않은 값입니다."),
    "invalid_choice": _("고를 수 없는 값입니다."),
    "max_length": _("너무 깁니다."),
    "min_length": _("너무 짧습니다."),
    "max_value": _("너무 큽니다."),
    "min_value": _("너무 작습니다."),
    "not_a_number": _('숫자를 문자열로 적어 주세요. 예: "0.5"'),
    "too_large": _("너무 크거나 너무 세밀한 숫자입니다."),
    "null_characters_not_allowed": _("쓸 수 없는 글자가 있습니다."),
    "not_finite": _("유한한 수여야 합니다 (NaN·무한대 불가)."),
    "too_deep": _("너무 깊이 겹쳐 있습니다 (최대 %(limit)s단계)."),
}


class Problem(APIException):
    """A refusal with its code. `facts` are told to the program as `detail`, and fill the sentence for the person."""

    def __init__(self, code: str, status: int = 422, /, **facts: Any) -> None:
        super().__init__(code, code)
        self.code, self.status_code, self.facts = code, status, facts
        self.headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> "Problem":
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self


class NotFound(Problem):
    def __init__(self) -> None:
        super().__init__("not_found", 404)


def sentence_of(code: str, facts: Mapping[str, Any]) -> str | None:
    """The code in the reader's language, None for a code nobody knows here."""
    known = SENTENCES.get(code)
    if known is None:
        return None
    text = str(known)
    return text % facts if "%(" in text else text
