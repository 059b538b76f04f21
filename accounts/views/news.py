"""What one was told, and which of it goes where."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import notices as rules
from accounts.forms import NoticesForm
from accounts.services import notices
from accounts.views.personal import PersonRequest, page, personal

PER_PAGE = 30
KINDS = {
    rules.SECURITY: (gettext_lazy("보안"), gettext_lazy("새 기기의 로그인, 비밀번호·2단계 인증·이메일·토큰의 변경")),
    rules.TROUBLE: (
        gettext_lazy("확인이 필요한 일"),
        gettext_lazy("접수를 확인하지 못한 주문, 장부 차이, 자동 정지. 확인할 때까지 간격을 늘려 가며 다시 보냅니다."),
    ),
    rules.SIGNALS: (gettext_lazy("오토 스윙의 시그널"), gettext_lazy("1차 매수, 2차 매수, 매도가 이루어졌을 때")),
    rules.FILLS: (gettext_lazy("주문의 체결"), gettext_lazy("직접 낸 주문까지, 주문이 체결될 때마다")),
    rules.BACKTESTS: (gettext_lazy("백테스트"), gettext_lazy("오래 걸린 백테스트가 끝났을 때")),
}
CHANNELS = {rules.PAGE: gettext_lazy("소식 화면"), rules.EMAIL: gettext_lazy("이메일")}


@require_http_methods(["GET", "POST"])
@personal
def notice_settings(request: PersonRequest) -> HttpResponse:
    table = notices.table_of(request.user)
    if request.method == "POST":
        form = NoticesForm(table, request.POST)
        if form.is_valid():
            notices.choose(request.user, form.wanted)
            messages.success(request, _("알림 설정을 저장했습니다."))
            return redirect("accounts:notice_settings")
    return page(
        request, "notice_settings", "notice_settings", {"rows": _rows(table), "channels": list(CHANNELS.values())}
    )


@require_GET
@personal
def notice_list(request: PersonRequest) -> HttpResponse:
    """Newest first; what is new is marked until it is said to be read."""
    rows = Paginator(notices.on_page(request.user), PER_PAGE).get_page(request.GET.get("page"))
    told = [{"notice": row, "sentence": notices.sentence_of(row), "kind": KINDS[row.kind][0]} for row in rows]
    unread = notices.on_page(request.user).filter(seen_at=None).exists()
    return render(request, "accounts/notices.html", {"page": rows, "told": told, "unread": unread})


@require_POST
@personal
def notices_seen(request: PersonRequest) -> HttpResponse:
    notices.mark_seen(request.user)
    return redirect("accounts:notices")


def _rows(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each kind, with a cell for each channel in the order of the columns."""
    return [
        {
            "name": KINDS[kind][0],
            "help": KINDS[kind][1],
            "cells": [cell | {"label": CHANNELS[cell["channel"]]} for cell in table if cell["kind"] == kind],
        }
        for kind in rules.KINDS
    ]
