"""Codes of backtests as sentences, and figures as people read them. Codes are stable, words are not."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from backtests.models import Backtest, BarUpload, Job, Sweep
from markets.bar_problems import BadRow, tolerance
from markets.templatetags.figures import NOTHING, grouped, money
from strategies.errors import Language
from trading.templatetags.reasons import SENTENCES as TRADING_SENTENCES

register = template.Library()

SENTENCES: Mapping[str, Any] = {
    # the bars
    "no_bars": _("이 종목과 간격, 기간에는 저장된 봉이 없습니다. 다른 기간을 고르거나 봉 파일을 올려 주세요."),
    "too_few_bars": _("봉이 %(bars)s개뿐입니다. 판단할 봉과 거래할 봉, 적어도 %(needed)s개가 있어야 합니다."),
    "too_many_bars": _(
        "봉이 %(bars)s개입니다. 한 번에 %(most)s개까지 계산합니다. 기간을 줄이거나 더 긴 간격을 골라 주세요."
    ),
    "columns_differ": _("봉의 열마다 개수가 다릅니다. 파일을 다시 올려 주세요."),
    "not_finite": _("숫자가 아닌 값이 있는 봉이 있습니다. (%(at)s, %(bar)s번째 봉)"),
    "not_positive": _("가격이 0 이하인 봉이 있습니다. (%(at)s, %(bar)s번째 봉)"),
    "negative_volume": _("거래량이 0보다 작은 봉이 있습니다. (%(at)s, %(bar)s번째 봉)"),
    "not_a_range": _("고가와 저가가 시가·종가와 맞지 않는 봉이 있습니다. (%(at)s, %(bar)s번째 봉)"),
    "closes_before_it_opens": _("시작보다 마감이 이른 봉이 있습니다. (%(at)s, %(bar)s번째 봉)"),
    "not_ascending": _("봉의 시각이 차례대로가 아닙니다. (%(at)s, %(bar)s번째 봉)"),
    "duplicate_time": _("같은 시각의 봉이 두 번 있습니다. (%(at)s, %(bar)s번째 봉)"),
    "warm_up_longer_than_data": _(
        "봉이 %(bars)s개인데 이 규칙의 지표는 적어도 %(needed)s개가 있어야 계산됩니다. "
        "기간을 늘리거나 더 짧은 간격을 골라 주세요."
    ),
    "upload_gone": _("올린 파일 ‘%(name)s’이(가) 지워져 계산할 수 없습니다."),
    "no_rule_in_force": _("이 기간의 수수료나 호가 규칙을 알지 못합니다. 더 늦은 기간을 골라 주세요."),
    # the terms
    "zero_cash": _("처음 돈은 0보다 커야 합니다."),
    "bad_budget": _("회차마다 쓸 돈은 0보다 커야 합니다."),
    "bad_share": _("1차 비중은 0%%보다 크고 100%% 이하여야 합니다."),
    "bad_quantity": _("수량은 0보다 커야 합니다."),
    "bad_cooldown": _("재시작까지 쉬는 봉 수는 0 이상이어야 합니다."),
    "bad_participation": _("거래량 가운데 우리 몫은 0%%보다 크고 100%% 이하여야 합니다."),
    "bad_spread": _("호가 차이는 0틱 이상이어야 합니다."),
    "bad_slippage": _("슬리피지는 0%% 이상 100%% 미만이어야 합니다."),
    "bad_commission": _("수수료는 0%% 이상 100%% 미만이어야 합니다."),
    "bad_terms": _("거래 조건을 읽을 수 없습니다. (%(field)s)"),
    "bad_parameters": _("전략의 값이 맞지 않습니다. %(why)s"),
    "unknown_strategy": _("쓸 수 없는 전략입니다. 다시 골라 주세요."),
    "rule_unreadable": _("이 전략 문서를 더는 읽을 수 없습니다. 새 판으로 저장해 주세요."),
    "period_reversed": _("시작일이 끝일보다 늦습니다."),
    "bad_name": _("이름은 %(most)s자까지, 한 줄이어야 합니다."),
    "bad_client_key": _("화면이 오래되었습니다. 새로 고친 뒤 다시 해 주세요."),
    "same_key_other_request": _("이미 다른 내용으로 보낸 요청입니다. 새로 고친 뒤 다시 해 주세요."),
    "unknown_instrument": _("거래할 수 없는 종목입니다."),
    # several instruments on one account
    "too_many_instruments": _("종목이 %(count)s개입니다. 한 계좌에서 %(most)s개까지 함께 거래합니다."),
    "same_instrument_twice": _("같은 종목을 두 번 골랐습니다. 한 계좌에서 한 종목은 한 번만 거래합니다."),
    "currencies_differ": _("통화가 다른 종목은 한 계좌의 돈으로 함께 거래할 수 없습니다."),
    "intervals_differ": _("파일 ‘%(name)s’의 간격이 다릅니다. 함께 거래하는 봉은 간격이 같아야 합니다."),
    "one_or_several": _("종목은 instrument와 upload로 하나만, 또는 instruments와 uploads로 여럿을 적어 주세요."),
    "scorecard_of_one_instrument": _("점검표는 한 종목의 백테스트에만 만듭니다. 종목마다 따로 시험해 점검해 주세요."),
    "sweep_of_one_instrument": _("탐색은 한 종목씩 합니다. 종목을 하나만 골라 주세요."),
    # the queue
    "too_many_waiting": _("끝나지 않은 백테스트가 %(most)s건 있습니다. 끝나거나 취소한 뒤 다시 해 주세요."),
    "too_many_kept": _("백테스트는 %(most)s건까지 보관합니다. 필요 없는 것을 지운 뒤 다시 해 주세요."),
    "still_running": _("아직 계산하고 있습니다. 취소하거나 끝난 뒤 지워 주세요."),
    "no_result_yet": _("아직 결과가 없습니다."),
    "worker_lost": _("계산하던 프로세스가 %(attempts)s번 멈춰 그만두었습니다. 봉의 수나 조합을 줄여 다시 해 주세요."),
    "took_too_long": _("9분이 넘게 걸려 멈췄습니다. 기간이나 조합을 줄여 다시 해 주세요."),
    "out_of_memory": _("메모리가 부족해 계산할 수 없습니다. 기간을 줄여 다시 해 주세요."),
    "our_error": _("우리 쪽 오류로 계산하지 못했습니다. 관리자에게 알려 주세요."),
    # uploads
    "unknown_upload": _("쓸 수 없는 파일입니다. 다시 골라 주세요."),
    "upload_not_ready": _("아직 확인하고 있거나 쓸 수 없는 파일입니다."),
    "upload_in_use": _("이 파일로 계산하고 있습니다. 끝난 뒤 지워 주세요."),
    "upload_too_large": _("파일이 너무 큽니다. %(most_mb)sMB까지 올릴 수 있습니다."),
    "upload_empty": _("빈 파일입니다."),
    "bad_upload_name": _("파일 이름에 경로나 수식으로 읽힐 글자(/, \\, =, +, -, @)가 있습니다. 이름을 바꿔 주세요."),
    "bad_zone": _("알 수 없는 시간대입니다."),
    "too_many_uploads": _("파일은 %(most)s개까지 보관합니다. 필요 없는 것을 지운 뒤 다시 올려 주세요."),
    "too_many_kept_bars": _("올린 봉이 모두 %(most)s개를 넘었습니다. 필요 없는 파일을 지워 주세요."),
    "one_upload_at_a_time": _("먼저 올린 파일을 확인하고 있습니다. 끝난 뒤 올려 주세요."),
    "bar_file_invalid": _("고쳐야 할 줄이 %(total)s개 있어 아무것도 저장하지 않았습니다."),
    "unknown_interval": _("봉의 간격을 알 수 없습니다. 1분, 5분, 15분, 1시간, 4시간, 1일 봉만 쓸 수 있습니다."),
    # sweeps
    "too_many_combinations": _("조합이 %(count)s가지입니다. 한 번에 %(most)s가지까지 계산합니다."),
    "nothing_to_sweep": _("값을 둘 이상 적은 칸이 있어야 탐색할 수 있습니다."),
    "bad_axis": _("값은 5, 10, 20 또는 5~30:5 꼴로 적어 주세요. (%(name)s)"),
    "too_many_sweeps": _("끝나지 않은 탐색이 %(most)s건 있습니다. 끝나거나 취소한 뒤 다시 해 주세요."),
    "too_many_steps": _("봉과 조합을 곱하면 %(steps)s입니다. %(most)s까지 계산합니다. 기간이나 조합을 줄여 주세요."),
    "too_many_draws": _("Optuna로는 한 번에 %(most)s가지까지 시험합니다. (적은 수 %(count)s)"),
    "optuna_not_installed": _(
        "이 서버에는 Optuna가 설치되어 있지 않습니다. 격자나 무작위 탐색을 쓰거나, 관리자에게 설치를 부탁해 주세요."
    ),
    "unknown_goal": _("고를 수 없는 목표입니다."),
    "unknown_kind": _("고를 수 없는 방법입니다."),
    "unknown_parameter": _("이 전략에 없는 값입니다. (%(name)s)"),
    "too_many_points": _("조합이 너무 많습니다. 한 번에 %(most)s가지까지 만들 수 있습니다."),
    "no_points": _("규칙이 허락하는 조합이 없습니다. 단기가 장기보다 짧은지 확인해 주세요."),
    "bad_windows": _("구간은 2개부터 20개까지 나눌 수 있습니다."),
    "too_few_windows_bars": _("봉이 모자라 구간을 나눌 수 없습니다. 기간을 늘리거나 구간을 줄여 주세요."),
}
UNKNOWN_CODE = _("처리할 수 없습니다. (%(code)s)")
SHOWN_TIMES = ("at",)


class WithGaps(dict[str, str]):
    """A missing number leaves a dash in its sentence instead of an error page."""

    def __missing__(self, _name: str) -> str:
        return NOTHING


def language() -> Language:
    return "ko" if (get_language() or "ko").startswith("ko") else "en"


def sentence(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """The code as a sentence in the reader's language, with its numbers."""
    given = dict(facts or {})
    if language() == "en" and "why_en" in given:
        given["why"] = given["why_en"]
    words = {name: shown(name, value) for name, value in given.items()}
    said = str(SENTENCES.get(code, UNKNOWN_CODE)) % WithGaps(words, code=code)
    return f"{words['instrument']}: {said}" if "instrument" in words else said


@register.filter
def refusal(job: Job) -> str:
    """Why a piece of work could not be done."""
    return sentence(job.code, job.facts) if job.code else ""


@register.filter
def bad_rows(upload: BarUpload) -> list[str]:
    """The bad rows of a file, a sentence each."""
    return [BadRow(**problem).sentence(language()) for problem in upload.told.get("problems", [])]


@register.filter
def tolerated(upload: BarUpload) -> list[str]:
    """What a file was forgiven, a sentence each."""
    return [tolerance(code, count, language()) for code, count in upload.told.get("tolerated", {}).items()]


@register.filter
def fill_reason(code: str) -> str:
    """Why an order of a run was placed, where there are words for it."""
    said = REASONS.get(code) or TRADING_SENTENCES.get(code)
    return str(said) if said else code


REASONS = {
    "first_entry": _("1차 매수 조건"),
    "second_entry": _("2차 매수 조건"),
    "exit_rule": _("매도 조건"),
    "exit_unfinished": _("남은 수량 매도"),
    "stop_loss": _("손절"),
    "take_profit": _("익절"),
    "trailing_stop": _("고점 대비 하락"),
    "time_stop": _("보유 기간"),
}


@register.simple_tag
def instruments_of(run: Backtest | Sweep) -> str:
    """What a run or a sweep traded, in a few words: `삼성전자`, or with others `삼성전자 외 2종목`."""
    others = len(run.members) - 1 if isinstance(run, Backtest) else 0
    first = run.instrument.name
    if not others:
        return first
    return ngettext("%(first)s 외 %(others)s종목", "%(first)s 외 %(others)s종목", others) % {
        "first": first,
        "others": others,
    }


@register.filter
def ratio(value: Any, decimals: int = 2) -> str:
    """A plain figure such as a Sharpe ratio; a dash for what does not exist."""
    return NOTHING if value is None else grouped(Decimal(str(value)), decimals)


@register.filter
def heat(value: Any) -> str:
    """The class of a heat map's cell: from `heat--m4`, a loss of 8 % and more, over `heat--0` to `heat--p4`."""
    if value is None:
        return "heat"
    steps = min(4, int(abs(float(value)) / 0.02) + 1) if abs(float(value)) >= 0.0005 else 0
    return f"heat heat--{'p' if float(value) > 0 else 'm'}{steps}" if steps else "heat heat--0"


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """What a mapping holds under a key."""
    return mapping.get(key)


def shown(name: str, value: Any) -> str:
    if name in SHOWN_TIMES and isinstance(value, str):
        return _time(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _time(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
    except ValueError:
        return text


@register.filter
def percent(value: Any) -> str:
    """A return in percent without its sign `%`, for a table full of them: `+1.2`."""
    if value is None:
        return NOTHING
    number = Decimal(str(value)) * 100
    text = grouped(number, 1)
    return f"+{text}" if number >= Decimal("0.05") else text


@register.filter
def cost(trade: Mapping[str, Any], currency: str) -> str:
    """The fee and tax of a trade, or of all of an instrument."""
    return money(Decimal(trade["fee"]) + Decimal(trade["tax"]), currency)
