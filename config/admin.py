"""What people read above the columns in the admin, and what the admin leaves alone.

A model names in Korean what pages show of it; the rest of its columns are only ever seen here, so their names are kept here.
"""

from typing import Final

from django.contrib import admin
from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from django_celery_beat import models as beat

# What is done when is written in config/celery.py; a row changed by hand would be overwritten at the next start.
for model in (
    beat.ClockedSchedule, beat.CrontabSchedule, beat.IntervalSchedule, beat.PeriodicTask, beat.SolarSchedule
):  # fmt: skip
    admin.site.unregister(model)

COLUMNS: Final = {
    "prev hash": _("앞 해시"), "hash": _("해시"), "price decimals": _("가격 소수 자리"),
    "quantity decimals": _("수량 소수 자리"), "cash decimals": _("금액 소수 자리"), "state": _("상태"),
    "instrument": _("종목"), "book": _("호가"), "user": _("회원"), "wrapped key": _("봉인된 키"),
    "ciphertext": _("암호문"), "account": _("계좌"), "fingerprint": _("지문"), "permissions": _("권한"),
    "strategy": _("전략"), "version hash": _("판 해시"), "broker account": _("계좌"), "position side": _("포지션 방향"),
    "triggered at": _("발동 시각"), "worst price": _("가장 나쁜 가격"), "plan": _("오토 스윙"), "cycle": _("회차"),
    "step": _("단계"), "facts": _("사실"), "replaces": _("대신한 주문"), "client key": _("요청 키"),
    "request hash": _("요청 해시"), "client id": _("보낸 주문 번호"), "broker order key": _("증권사 주문 번호"),
    "sent at": _("보낸 시각"), "deadline at": _("기한"), "not before": _("이 시각부터"), "lease until": _("맡은 기한"),
    "finished at": _("끝난 시각"), "clean reads": _("이상 없는 조회"), "last clean read at": _("마지막 이상 없는 조회"),
    "fence": _("울타리 번호"), "version": _("판 번호"), "order": _("주문"), "number": _("번호"), "at": _("시각"),
    "release": _("릴리스"), "outcome": _("결과"), "reason": _("사유"), "origin": _("어디서"), "raw": _("받은 그대로"),
    "source key": _("출처 번호"), "market at": _("시장 시각"), "created at": _("기록 시각"), "key": _("키"),
    "synthetic": _("짐작한 체결"), "journal": _("분개"), "strategy version": _("전략 판"), "running mode": _("실행"),
    "signal": _("시그널"), "cycle spent": _("이번 회차에 쓴 금액"), "peak close": _("가장 높은 종가"),
    "held since": _("보유 시작"), "cooldown left": _("남은 쉬는 봉"), "waits for open": _("장이 열리기를 기다림"),
    "from signal": _("앞 시그널"), "to signal": _("다음 시그널"), "detail": _("자세히"), "by": _("누가"),
    "told at": _("알린 시각"), "closed by": _("닫은 사람"), "differences": _("차이"), "epoch": _("세대"),
    "armed": _("보내기 켜짐"), "is taken over": _("넘겨받음"), "order type": _("주문 유형"), "division": _("주문 구분"),
    "status": _("상태"), "is external": _("다른 곳에서 낸 주문"), "first seen at": _("처음 본 시각"),
    "last seen at": _("마지막으로 본 시각"), "cancel asked at": _("취소를 청한 시각"), "asked at": _("물은 시각"),
    "cash": _("현금"), "units": _("수량"), "spendable": _("쓸 수 있는 금액"), "failed since": _("실패 시작"),
    "failure": _("실패"), "rung at": _("알린 시각"), "average price": _("평균 매수가"), "opened at": _("열린 시각"),
    "closed at": _("닫힌 시각"), "resolution": _("처리"), "result": _("결과"), "quantity": _("수량"),
    "limit price": _("지정가"), "stop price": _("스톱 가격"), "upload": _("올린 봉"), "upload name": _("올린 봉 이름"),
    "job": _("작업"), "first at": _("첫 봉"), "last at": _("마지막 봉"), "told": _("알림"),
}  # fmt: skip
MODELS: Final = {
    "order attempt": _("보내기 시도"),
    "order event": _("주문에 생긴 일"),
    "posting": _("분개 항목"),
    "signal step": _("시그널이 움직인 때"),
}


def name_columns(model: type[Model]) -> None:
    """Give the columns that have no name of their own one for people. Migrations do not see it."""
    for field in model._meta.fields:
        field.verbose_name = COLUMNS.get(str(field.verbose_name), field.verbose_name)
    if named := MODELS.get(str(model._meta.verbose_name)):
        model._meta.verbose_name = model._meta.verbose_name_plural = named


for model, its_admin in list(admin.site._registry.items()):
    for named in (model, *(inline.model for inline in its_admin.inlines)):
        name_columns(named)
