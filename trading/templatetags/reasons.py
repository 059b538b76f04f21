"""Codes as sentences: why an order was refused or denied, why a plan did nothing. Codes are stable, words are not."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from trading.errors import TradingError
from trading.models.orders import SIDE_LABELS, TYPE_LABELS
from trading.models.plans import SIGNAL_LABELS
from trading.models.safety import SCOPES

register = template.Library()

SENTENCES = {
    # a request that cannot be an order
    "bad_number": _("수량과 가격은 0보다 큰 숫자여야 합니다."),
    "wrong_tick": _("호가 단위(%(step)s)에 맞지 않는 가격입니다. 가까운 가격: %(low)s, %(high)s"),
    "wrong_lot": _("매매 단위(%(step)s)에 맞지 않는 수량입니다. 가까운 수량: %(low)s, %(high)s"),
    "below_minimum": _("최소 주문보다 작습니다. 최소 %(low)s, 입력 %(given)s"),
    "outside_price_limit": _("가격 제한폭을 벗어났습니다. %(low)s부터 %(high)s까지 주문할 수 있습니다."),
    "limit_price_missing": _("지정가를 적어 주세요."),
    "limit_price_without_limit": _("지정가 주문이 아니면 지정가를 적지 않습니다."),
    "stop_price_missing": _("스톱 가격을 적어 주세요."),
    "stop_price_without_stop": _("스톱 주문이 아니면 스톱 가격을 적지 않습니다."),
    "stop_already_reached": _("현재가 %(price)s이(가) 이미 스톱 가격에 닿아 있습니다."),
    "order_type_not_supported": _("이 계좌의 증권사가 받지 않는 주문 종류입니다."),
    "division_not_supported": _("이 계좌의 증권사가 받지 않는 주문 구분입니다."),
    "order_type_not_of_division": _("이 주문 구분에는 다른 주문 종류를 골라야 합니다: %(order_type)s"),
    "time_in_force_not_of_division": _("이 주문 구분에는 쓸 수 없는 유효 기간입니다."),
    "not_in_its_hours": _("이 주문 구분은 %(opens_at)s부터 %(closes_at)s 전까지만 받습니다."),
    "no_funds_in_after_market": _("애프터마켓에서는 ETF와 ETN을 거래할 수 없습니다."),
    "fok_not_filled": _("한 번에 모두 체결할 수 없어 취소되었습니다."),
    "time_in_force_not_supported": _("이 계좌의 증권사가 받지 않는 유효 기간입니다."),
    "live_trading_off": _("실전 거래가 꺼져 있어 실전 계좌로는 주문할 수 없습니다."),
    "instrument_not_tradable": _("거래할 수 없는 종목입니다."),
    "bad_client_key": _("주문 화면이 오래되었습니다. 새로 고친 뒤 다시 주문해 주세요."),
    "unknown_account": _("쓸 수 없는 계좌입니다."),
    "unknown_instrument": _("거래할 수 없는 종목입니다."),
    "bad_amount": _("금액은 0보다 크고 통화의 가장 작은 단위에 맞아야 합니다."),
    "not_settled_yet": _(
        "매도 대금이 아직 결제되지 않았습니다. 지금은 %(available)s까지 출금할 수 있고, "
        "%(needed)s 전부는 %(settles_on)s부터 출금할 수 있습니다. 결제를 기다리는 금액: %(receivable)s"
    ),
    "plan_running": _("이 계좌를 쓰는 오토 스윙이 돌아가고 있습니다. 먼저 멈춰 주세요: %(plan)s"),
    "order_unresolved": _("접수되었는지 확인 중인 주문 %(orders)s건이 있습니다. 확인된 뒤 다시 해 주세요."),
    "not_a_virtual_account": _("모의 계좌에서만 할 수 있습니다."),
    "unknown_currency": _("이 통화로는 계좌를 열 수 없습니다: %(currency)s"),
    "no_rule_in_force": _("이 종목의 수수료나 호가 규칙을 아직 모릅니다. 관리자에게 알려 주세요."),
    "wrong_currency": _("이 계좌의 통화로는 거래할 수 없는 종목입니다."),
    "closed_session": _("지금은 장이 열려 있지 않습니다."),
    "no_price": _("아직 시세가 없어 주문할 수 없습니다."),
    "stale_price": _("시세가 멈춰 있어 주문할 수 없습니다. 시세가 다시 움직이면 주문해 주세요."),
    "name_taken": _("이미 같은 이름이 있습니다."),
    "idempotency_mismatch": _("이미 다른 내용으로 보낸 주문입니다. 주문 목록을 확인해 주세요."),
    "not_allowed": _("조회 전용 회원은 매매할 수 없습니다."),
    "order_not_open": _("이미 끝난 주문이라 취소하거나 바꿀 수 없습니다."),
    "plan_order_fixed": _("오토 스윙이 낸 주문은 바꿀 수 없습니다. 취소는 할 수 있습니다."),
    "order_in_doubt": _("증권사에 접수되었는지 확인하고 있는 주문입니다. 확인이 끝난 뒤 바꿀 수 있습니다."),
    "cancel_already_requested": _("취소나 변경을 이미 요청한 주문입니다."),
    "quantity_already_filled": _("이미 %(filled)s만큼 체결되어 수량을 그 이하로 바꿀 수 없습니다."),
    "nothing_changed": _("바뀐 내용이 없습니다."),
    # refused by our own limits, and stored
    "insufficient_cash": _("주문 가능 금액이 부족합니다. 필요 %(needed)s, 가능 %(available)s"),
    "insufficient_quantity": _("매도 가능 수량이 부족합니다. 필요 %(needed)s, 가능 %(available)s"),
    "halted": _("거래가 정지되어 있습니다. (%(scope)s)"),
    "reduce_only": _("지금은 청산 주문만 낼 수 있습니다. (%(scope)s)"),
    "quote_too_old": _("시세가 %(value)s초 전 것입니다. %(limit)s초가 넘은 시세로는 주문하지 않습니다."),
    "price_outside_collar": _(
        "현재가 %(reference)s에서 너무 먼 가격입니다. %(low)s부터 %(high)s까지 주문할 수 있습니다."
    ),
    "order_amount_limit": _("한 번에 주문할 수 있는 금액을 넘었습니다. 주문 %(value)s, 한도 %(limit)s"),
    "order_share_limit": _("주문 금액이 계좌의 %(percent)s%%를 넘었습니다. 주문 %(value)s, 한도 %(limit)s"),
    "first_orders_amount": _(
        "처음에는 작게 주문합니다. 문제없이 체결된 주문 %(done)s건, %(needed)s건까지 한도 %(limit)s, 주문 %(value)s"
    ),
    "instrument_share_limit": _("한 종목이 계좌의 %(percent)s%%를 넘게 됩니다. 주문 후 %(value)s, 한도 %(limit)s"),
    "account_share_limit": _("보유 금액이 계좌의 %(percent)s%%를 넘게 됩니다. 주문 후 %(value)s, 한도 %(limit)s"),
    "open_orders_lane_limit": _("같은 종목과 방향의 미체결 주문이 %(value)s건 있습니다. 한도 %(limit)s건"),
    "open_orders_account_limit": _("이 계좌의 미체결 주문이 %(value)s건 있습니다. 한도 %(limit)s건"),
    "orders_per_minute_plan": _("이 오토 스윙이 1분 동안 %(value)s건을 주문했습니다. 한도 %(limit)s건"),
    "orders_per_minute_account": _("이 계좌에서 1분 동안 %(value)s건을 주문했습니다. 한도 %(limit)s건"),
    "orders_per_minute_site": _("전체에서 1분 동안 %(value)s건이 주문되었습니다. 한도 %(limit)s건"),
    "duplicate_order": _("%(minutes)s분 안에 같은 종목, 방향, 수량의 주문이 있었습니다."),
    "self_cross": _("반대 방향의 내 미체결 주문과 서로 체결될 수 있습니다. (가장매매)"),
    "daily_loss_account": _("오늘 이 계좌의 손실이 %(percent)s%%입니다. 한도 %(most)s%%"),
    "daily_loss_plan": _("오늘 이 오토 스윙의 손실이 계좌의 %(percent)s%%입니다. 한도 %(most)s%%"),
    "limit_unreadable": _("한도를 확인할 수 없어 주문하지 않았습니다. (%(limit)s)"),
    "position_difference": _("장부와 증권사의 보유 수량이 다릅니다. 확인할 때까지 이 종목을 새로 사지 않습니다."),
    # what became of an order
    "canceled_by_halt": _("정지 때문에 거두었습니다."),
    "canceled_by_person": _("직접 취소했습니다."),
    "cancel_requested": _("취소를 요청했습니다."),
    "cancel_requested_by_halt": _("거래가 정지되어 취소를 요청했습니다."),
    "change_requested": _("변경을 요청했습니다."),
    "replaced": _("바꾼 내용으로 새 주문을 냈습니다."),
    "change_refused": _("주문은 취소되었고, 바꾼 주문은 내지 못했습니다."),
    "change_too_late": _("변경이 늦어 바꾼 주문을 내지 않았습니다."),
    "change_not_placed": _("바꾸려던 주문이 취소된 뒤 새로 나가지 않았습니다."),
    "waited_too_long": _("취소를 확인하는 데 너무 오래 걸려 바꾼 주문을 내지 않았습니다."),
    "stop_reached": _("스톱 가격에 닿아 시장가로 내보냅니다."),
    "ioc_rest": _("바로 체결되지 않은 남은 수량을 취소했습니다."),
    "account_reset": _("계좌를 초기화하면서 취소했습니다."),
    "changed_meanwhile": _("그 사이 바뀌었습니다. 다시 읽은 뒤 바꿔 주세요."),
    "day_over": _("장이 끝나 남은 수량이 만료되었습니다."),
    "broker_not_configured": _("이 계좌의 증권사 연결이 설정되어 있지 않습니다."),
    "bar_over": _("진입하려던 봉이 끝나 남은 수량을 거두었습니다."),
    "expired_before_sending": _("보내기 전에 유효 기간이 끝났습니다."),
    "not_sent_in_time": _("제때 보내지 못했습니다. 증권사에 접수되었는지 확인하고 있습니다."),
    "sender_gone": _("보내던 프로세스가 멈췄습니다. 증권사에 접수되었는지 확인하고 있습니다."),
    "outcome_unknown": _("증권사의 답을 받지 못했습니다. 접수되었는지 확인하고 있습니다."),
    "expired": _("유효 기간이 끝났습니다."),
    "never_arrived": _("증권사에 접수되지 않은 것을 확인했습니다."),
    "no_order_key": _("증권사가 주문 번호를 알려 주지 않았습니다. 접수되었는지 확인하고 있습니다."),
    "settled_by_person": _("증권사에서 직접 찾아 확인했습니다."),
    "several_candidates": _("증권사의 주문 가운데 어느 것이 이 주문인지 정해 주세요."),
    "refused_after_acceptance": _(
        "증권사가 접수한 뒤 거래소가 받지 않았습니다. 증권사가 이유를 알려 주지 않으니 증권사에서 확인해 주세요."
    ),
    "broker_unreachable": _("증권사에 연결하지 못했습니다. 주문은 나가지 않았습니다."),
    "rate_limited": _("증권사가 요청이 많다며 받지 않았습니다. 주문은 나가지 않았습니다."),
    "broker_read_incomplete": _("증권사의 주문과 잔고를 끝까지 읽지 못했습니다."),
    "cancel_sent": _("증권사에 취소를 요청했습니다."),
    "cancel_refused": _("증권사가 취소를 계속 받아들이지 않습니다. 증권사에서 직접 확인해 주세요."),
    "contradiction": _("증권사의 보고가 장부와 어긋납니다. 관리자가 확인해야 합니다."),
    "fill_not_booked": _("증권사가 알린 체결을 장부에 적을 수 없습니다. 관리자가 확인해야 합니다."),
    "fill_contradicts": _("같은 체결이 다른 숫자로 다시 보고되었습니다. 관리자가 확인해야 합니다."),
    "amount_fell": _("증권사가 알린 체결 금액이 전보다 줄었습니다. 관리자가 확인해야 합니다."),
    "executions_exceed_total": _("증권사가 알린 체결의 합이 전체 체결 수량보다 많습니다. 관리자가 확인해야 합니다."),
    # stopping, and what limits are set to
    "unknown_scope": _("멈추거나 다시 시작할 대상을 찾을 수 없습니다."),
    "latched_by_other": _("관리자가 정지했습니다. 관리자만 다시 시작할 수 있습니다."),
    "not_a_halt": _("정지 또는 청산만 중에서 고르세요."),
    "unknown_limit": _("알 수 없는 한도입니다. (%(limit)s)"),
    "bad_limit": _("이 한도에 쓸 수 없는 값입니다."),
    "limit_needs_value": _("실전 계좌에서는 이 한도를 없앨 수 없습니다. 값을 적어 주세요."),
    "limit_never_looser": _("이 한도는 풀 수 없습니다."),
    # why trading was stopped
    "stopped_by_person": _("사람이 정지했습니다."),
    "rejects_in_row": _("증권사가 주문을 연달아 %(count)s번 거부했습니다."),
    "losses_in_row": _("연달아 %(count)s회 손실이 났습니다."),
    "unknown_too_long": _("주문의 접수 여부를 오래 확인하지 못하고 있습니다."),
    "ambiguous": _("증권사의 주문 가운데 어느 것이 우리 주문인지 확인해야 합니다."),
    "position_mismatch": _("장부와 증권사의 보유 수량이 다릅니다."),
    "stale_feed": _("장중인데 시세가 멈췄습니다."),
    "not_looked_at": _("장중인데 오토 스윙의 판단이 멈췄습니다. (%(instrument)s)"),
    "clock": _(
        "이 서버의 시계가 증권사의 시계와 %(seconds)s초 다르거나 갑자기 바뀌었습니다. 시계를 맞춘 뒤 다시 여세요."
    ),
    "audit_broken": _("감사 기록이 고쳐졌거나 빠졌습니다. %(number)s번 항목부터 %(breaks)s곳"),
    "books_differ": _("장부가 체결 기록과 맞지 않습니다. 차이 %(differences)s건"),
    "too_many_orders": _("1분 동안 주문이 %(count)s건이었습니다. 한도 %(most)s건"),
    "check_failed": _("안전 점검을 하지 못했습니다. 관리자에게 알려 주세요."),
    "order_unknown": _("%(instrument)s 주문이 접수되었는지 1분 넘게 확인하지 못하고 있습니다."),
    "order_ambiguous": _("증권사의 주문 가운데 어느 것이 우리 주문인지 정해 주세요. 후보: %(candidates)s"),
    "late_accept": _("접수되지 않은 줄 알았던 %(instrument)s 주문이 증권사에서 나타났습니다."),
    "secrets_leaked": _("키가 새어 나갔을 수 있어 모두 멈췄습니다. 증권사에서 키를 폐기하고 새 키를 등록해 주세요."),
    "restored_backup": _(
        "데이터베이스가 오래된 백업일 수 있습니다. 확인하고 다시 시작할 때까지 아무것도 보내지 않습니다."
    ),
    "difference_moved": _(
        "그 사이 %(instrument)s의 수량이 바뀌었거나 이미 정해졌습니다. 새 수량을 보고 다시 정해 주세요."
    ),
    "average_price_unknown": _("증권사가 %(instrument)s의 평균 매수가를 알려 주지 않아 장부에 넣을 수 없습니다."),
    "order_not_in_doubt": _("이미 접수 여부가 밝혀진 주문입니다."),
    "not_this_order": _(
        "증권사의 그 주문은 이 주문일 수 없습니다. 이미 다른 주문과 이어져 있거나 목록에서 사라졌습니다."
    ),
    # keys of broker accounts
    "order_open": _("끝나지 않은 주문 %(orders)s건이 있습니다. 끝나거나 취소한 뒤 다시 해 주세요."),
    "live_account_off": _(
        "이 서버는 실전 거래가 꺼져 있어 실전 계좌를 쓸 수 없습니다. 모의투자 키는 등록할 수 있습니다."
    ),
    "broker_key_missing": _("이 계좌에는 쓸 수 있는 증권사 키가 없습니다. 키를 다시 등록해 주세요."),
    "broker_token_unavailable": _("증권사가 접속 토큰을 주지 않았습니다. 잠시 뒤 다시 시도합니다."),
    "key_unreachable": _("증권사 서버에 닿지 못했습니다. 잠시 뒤 다시 해 주세요."),
    "key_refused": _("증권사가 이 요청을 거절했습니다."),
    "key_unknown": _("증권사가 모르는 앱 키입니다. 실전과 모의투자의 키는 서로 다릅니다."),
    "key_secret_wrong": _("앱 시크릿이 이 앱 키의 것이 아닙니다."),
    "key_asked_too_soon": _("접속 토큰은 1분에 한 번만 받을 수 있습니다. 1분 뒤에 다시 확인해 주세요."),
    "key_of_other_environment": _("이 키는 다른 환경의 키입니다. 실전과 모의투자를 확인해 주세요."),
    "key_account_wrong": _("이 키로는 쓸 수 없는 계좌 번호입니다."),
    "key_has_odd_characters": _("앱 키나 앱 시크릿에 키에 있을 수 없는 글자가 있습니다. 다시 복사해 주세요."),
    "key_registered_already": _("이미 등록된 앱 키입니다."),
    "account_registered_already": _("이미 등록한 계좌입니다. 그 계좌에서 키를 바꿔 주세요."),
    "account_number_wrong": _("계좌 번호는 숫자 열 자리입니다. 예: 12345678-01"),
    "account_number_other": _("이 계좌와 다른 계좌 번호입니다. 다른 계좌는 새로 등록해 주세요."),
    # why a plan did nothing
    "warming_up": _("지표를 계산할 봉이 아직 부족합니다. 필요 %(needed)s, 있음 %(bars)s"),
    "late": _("건너뛰었습니다: 봉이 마감된 뒤 너무 늦게 보았습니다."),
    "entry_bar_over": _("사지 않았습니다: 진입하려던 봉이 이미 끝났습니다."),
    "position_full": _("사지 않았습니다: 계좌 평가액의 %(most)s까지인 최대 비중을 이미 채웠습니다."),
    "sizing_invalid": _("거래하지 않았습니다: 규칙의 가격으로는 수량을 셈할 수 없습니다."),
    "worth_unknown": _("사지 않았습니다: 시세가 없는 보유 종목이 있어 최대 비중을 셈할 수 없습니다."),
    "nothing_to_trade": _("거래하지 않았습니다: 예산이 최소 주문보다 작습니다."),
    "plan_is_off": _("멈춰 있는 오토 스윙입니다. 다시 시작한 뒤 판단할 수 있습니다."),
    "no_closed_bar_yet": _("아직 마감된 봉이 없어 판단할 수 없습니다."),
    "name_missing": _("이름을 적어 주세요."),
    "bad_budget": _("예산은 0보다 큰 금액이어야 합니다."),
    "bad_mode": _("실행 방식은 주문까지 또는 그림자여야 합니다."),
    "bad_cooldown": _("재시작까지 봉 수는 0 이상이어야 합니다."),
    "bad_first_share": _("1차 비중은 0%%보다 크고 100%% 이하여야 합니다."),
    # what a plan cannot be, or not now
    "plan_ended": _("종료일(%(ends_on)s)이 지나 새로 사지 않습니다. 들고 있는 것은 규칙대로 팝니다."),
    "currency_not_held": _(
        "%(currency)s로 사고파는 종목인데 이 계좌의 돈은 %(held)s뿐입니다. %(currency)s가 있는 계좌를 골라 주세요."
    ),
    "end_date_passed": _("종료일은 오늘이거나 그 뒤여야 합니다."),
    "plan_is_stopping": _("매도하고 멈추는 중입니다. 다 팔리면 멈춥니다."),
    "plan_has_open_order": _("이 오토 스윙의 주문이 아직 끝나지 않았습니다. 끝나거나 취소한 뒤 바꿔 주세요."),
    "budget_below_spent": _("예산은 이번 회차에 이미 쓴 %(spent)s보다 작을 수 없습니다."),
    "plan_holds": _("%(held)s만큼 들고 있어 그림자로 바꿀 수 없습니다. 그림자는 팔지도 않습니다."),
    "unknown_strategy": _("쓸 수 없는 전략입니다. 다시 골라 주세요."),
    "strategy_name_length": _("전략의 이름은 1자부터 %(limit)s자까지입니다."),
    "strategy_name_taken": _("이미 같은 이름의 전략이 있습니다: %(name)s"),
    "too_many_strategies": _("전략은 %(limit)s개까지 저장할 수 있습니다."),
    "too_many_versions": _("한 전략의 판은 %(limit)s개까지 저장할 수 있습니다."),
    "second_factor_required": _("실전 계좌로 매매하려면 설정에서 2단계 인증을 켜고 그 코드로 로그인해야 합니다."),
    # what people are told
    "filled": _("%(instrument)s %(side_word)s 체결: %(quantity)s, 가격 %(price)s"),
    "signal_moved": _("%(plan)s (%(instrument)s) 시그널: %(signal_word)s"),
    "backtest_run_done": _("백테스트가 끝났습니다."),
    "backtest_run_failed": _("백테스트가 실패했습니다."),
}
WORDS: Mapping[str, Mapping[Any, Any]] = {  # facts that are codes themselves
    "scope": SCOPES,
    "order_type": TYPE_LABELS,
    "side_word": SIDE_LABELS,
    "signal_word": {str(number): label for number, label in SIGNAL_LABELS.items()},
}
UNKNOWN_CODE = _("처리할 수 없습니다. (%(code)s)")


def sentence(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """The code as a sentence in the reader's language, with its numbers; an unknown code is shown as it is."""
    if not code:
        return ""
    shown = {name: str(WORDS.get(name, {}).get(value) or _shown(value)) for name, value in (facts or {}).items()}
    return str(SENTENCES.get(code, UNKNOWN_CODE)) % _WithGaps(shown, code=code)


@register.filter
def code_sentence(code: str) -> str:
    """A code that needs no numbers, in words."""
    return sentence(code)


def error_sentence(error: TradingError) -> str:
    return sentence(error.code, error.facts)


class _WithGaps(dict[str, str]):
    """A missing number leaves a dash in its sentence instead of an error page."""

    def __missing__(self, _name: str) -> str:
        return "–"


def _shown(value: Any) -> str:
    """Numbers grouped by thousands, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return str(value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        return str(value)
    return f"{number:,f}" if number.is_finite() else str(value)


@register.filter
def reason_sentence(order: Any) -> str:
    """An order's or evaluation's reason in words."""
    facts = getattr(order, "facts", None) or getattr(order, "detail", None)
    return sentence(order.reason, facts if isinstance(facts, Mapping) else None)
