"""Every operation of the Kairos API. Generated from its OpenAPI document by generate.py: change it there."""

# ruff: noqa
# fmt: off
from typing import Any, Literal, NotRequired, Protocol, TypedDict
from urllib.parse import quote
from uuid import uuid4


class Caller(Protocol):
    """Sends one request and gives back what its answer holds: JSON, text, or None."""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any: ...


AccountAnswer = TypedDict("AccountAnswer", {
    "id": str,
    "name": str,
    "broker": str,
    "environment": Literal['virtual', 'paper', 'live'],
    "currency": str,
    "is_active": bool,
    "created_at": str,
})


AccountHaltBodyRequest = TypedDict("AccountHaltBodyRequest", {
    "mode": Literal['reduce_only', 'halted'],
    "reason": NotRequired[str],
})


AccountsAnswer = TypedDict("AccountsAnswer", {
    "results": list["AccountAnswer"],
    "next_cursor": str | None,
})


AlertAnswer = TypedDict("AlertAnswer", {
    "id": int,
    "cause": str,
    "message": str,
    "subject": str,
    "facts": dict[str, Any],
    "times": int,
    "opened_at": str,
    "last_at": str,
    "closed_at": str | None,
})


AlertsAnswer = TypedDict("AlertsAnswer", {
    "results": list["AlertAnswer"],
    "next_cursor": str | None,
})


AmountBodyRequest = TypedDict("AmountBodyRequest", {
    "amount": str,
})


ApiTokenAnswer = TypedDict("ApiTokenAnswer", {
    "id": str,
    "name": str,
    "scope": Literal['read', 'trade'],
    "hint": str,
    "created_at": str,
    "expires_at": str,
    "used_at": str | None,
    "used_from": str,
})


AskedBodyRequest = TypedDict("AskedBodyRequest", {
    "name": NotRequired[str],
    "strategy": str,
    "parameters": NotRequired[dict[str, Any]],
    "instrument": NotRequired[str],
    "interval": NotRequired[Literal['1m', '5m', '15m', '1h', '4h', '1d']],
    "upload": NotRequired[str],
    "instruments": NotRequired[list[str]],
    "uploads": NotRequired[list[str]],
    "starts_on": NotRequired[str],
    "ends_on": NotRequired[str],
    "cash": str,
    "budget": NotRequired[str],
    "first_share": NotRequired[str],
    "repeat": NotRequired[bool],
    "cooldown_bars": NotRequired[int],
    "participation": NotRequired[str],
    "spread_ticks": NotRequired[int],
    "slippage_ticks": NotRequired[int],
    "slippage_rate": NotRequired[str],
    "commission": NotRequired[str],
    "exits": NotRequired[Literal['at_close', 'inside_bar']],
    "seed": NotRequired[int],
})


BacktestAnswer = TypedDict("BacktestAnswer", {
    "id": str,
    "name": str,
    "strategy_version": str,
    "version_hash": str,
    "parameters": dict[str, Any],
    "instrument": str,
    "instruments": list[str],
    "interval": str,
    "upload": str | None,
    "uploads": list[str],
    "starts_on": str | None,
    "ends_on": str | None,
    "terms": dict[str, Any],
    "job": "JobAnswer",
    "created_at": str,
})


BacktestsAnswer = TypedDict("BacktestsAnswer", {
    "results": list["BacktestAnswer"],
    "next_cursor": str | None,
})


BalanceAnswer = TypedDict("BalanceAnswer", {
    "broker_account": str,
    "currency": str,
    "total_value": str,
    "cash_available": str,
    "cash_reserved": str,
    "withdrawable": str,
    "positions_value": str,
    "deposited": str,
    "realised": str,
    "unrealised": str,
    "profit": str,
})


BarAnswer = TypedDict("BarAnswer", {
    "time": int,
    "open": float,
    "high": float,
    "low": float,
    "close": float,
    "volume": float,
})


BarsAnswer = TypedDict("BarsAnswer", {
    "key": str,
    "interval": str,
    "source": str,
    "bars": list["BarAnswer"],
})


BookAnswer = TypedDict("BookAnswer", {
    "key": str,
    "at": str,
    "source": str,
    "is_stale": bool,
    "bids": list["LevelAnswer"],
    "asks": list["LevelAnswer"],
})


BookedAnswer = TypedDict("BookedAnswer", {
    "id": int,
    "broker_account": str,
    "kind": str,
    "at": str,
})


CancelAllBodyRequest = TypedDict("CancelAllBodyRequest", {
    "broker_account": NotRequired[str],
    "instrument": NotRequired[str],
})


CanceledAnswer = TypedDict("CanceledAnswer", {
    "withdrawn": int,
    "asked": int,
})


ChangeBodyRequest = TypedDict("ChangeBodyRequest", {
    "quantity": str,
    "limit_price": NotRequired[str | None],
    "stop_price": NotRequired[str | None],
})


ChoiceAnswer = TypedDict("ChoiceAnswer", {
    "kind": Literal['security', 'trouble', 'signals', 'fills', 'backtests'],
    "channel": Literal['page', 'email'],
    "is_on": bool,
    "is_fixed": bool,
})


ChoiceBodyRequest = TypedDict("ChoiceBodyRequest", {
    "kind": Literal['security', 'trouble', 'signals', 'fills', 'backtests'],
    "channel": Literal['page', 'email'],
    "is_on": bool,
})


ChoicesAnswer = TypedDict("ChoicesAnswer", {
    "results": list["ChoiceAnswer"],
})


CodeBodyRequest = TypedDict("CodeBodyRequest", {
    "code": str,
})


ConfigAnswer = TypedDict("ConfigAnswer", {
    "id": str,
    "user_id": str,
    "name": str,
    "symbols": list[str],
    "timeframe": str,
    "k_value": float | None,
    "rsi_overbought": float | None,
    "rsi_oversold": float | None,
    "fund_flow_threshold": float | None,
    "max_position_pct": float | None,
    "stop_loss_pct": float | None,
    "take_profit_ratio": float | None,
    "is_active": bool,
    "mode": Literal['off', 'paper', 'shadow', 'live'],
    "created_at": str,
    "updated_at": str,
})


ConfigsAnswer = TypedDict("ConfigsAnswer", {
    "results": list["ConfigAnswer"],
    "next_cursor": str | None,
})


DayAnswer = TypedDict("DayAnswer", {
    "on": str,
    "currency": str,
    "total_value": str | None,
    "paid_in": str | None,
    "flow": str,
    "realised": str,
    "cumulative": str,
})


DefaultsAnswer = TypedDict("DefaultsAnswer", {
    "broker_account": str | None,
    "instrument": str | None,
    "budget": str | None,
})


DefaultsBodyRequest = TypedDict("DefaultsBodyRequest", {
    "broker_account": str | None,
    "instrument": str | None,
    "budget": str | None,
})


DeviceAnswer = TypedDict("DeviceAnswer", {
    "id": str,
    "kind": Literal['browser', 'app'],
    "name": str,
    "address": str,
    "created_at": str,
    "seen_at": str,
    "expires_at": str,
    "is_this_one": bool,
})


DevicesAnswer = TypedDict("DevicesAnswer", {
    "results": list["DeviceAnswer"],
})


DocumentBodyRequest = TypedDict("DocumentBodyRequest", {
    "document": dict[str, Any],
})


EmailAnswer = TypedDict("EmailAnswer", {
    "email": str,
    "waiting_for": str | None,
    "confirm_until": str | None,
})


EmailBodyRequest = TypedDict("EmailBodyRequest", {
    "email": str,
})


EndedAnswer = TypedDict("EndedAnswer", {
    "ended": int,
})


EnrolmentAnswer = TypedDict("EnrolmentAnswer", {
    "secret": str,
    "otpauth_uri": str,
})


EstimateAnswer = TypedDict("EstimateAnswer", {
    "price": str,
    "amount": str,
    "fee": str,
    "tax": str,
    "total": str,
})


EstimateBodyRequest = TypedDict("EstimateBodyRequest", {
    "instrument": str,
    "side": Literal['buy', 'sell'],
    "order_type": Literal['market', 'limit', 'stop'],
    "quantity": str,
    "limit_price": NotRequired[str | None],
    "stop_price": NotRequired[str | None],
})


EvaluationAnswer = TypedDict("EvaluationAnswer", {
    "id": int,
    "bar_closed_at": str,
    "market_at": str,
    "signal": int,
    "close": str | None,
    "outcome": Literal['hold', 'buy_first', 'buy_second', 'sell', 'restart', 'wait', 'skipped', 'blocked'],
    "reason": str,
    "message": str,
    "order": str | None,
    "strategy_version": str | None,
    "detail": dict[str, Any],
})


EvaluationsAnswer = TypedDict("EvaluationsAnswer", {
    "results": list["EvaluationAnswer"],
    "next_cursor": str | None,
})


FactorAnswer = TypedDict("FactorAnswer", {
    "is_on": bool,
    "recovery_codes_left": int,
})


FeedAnswer = TypedDict("FeedAnswer", {
    "source": str,
    "market_time": str,
    "heartbeat_at": str,
    "speed": int,
    "keeps_sessions": bool,
})


FeedsAnswer = TypedDict("FeedsAnswer", {
    "results": list["FeedAnswer"],
})


FillAnswer = TypedDict("FillAnswer", {
    "id": int,
    "key": str,
    "order": str,
    "instrument": str,
    "currency": str,
    "side": Literal['buy', 'sell'],
    "quantity": str,
    "price": str,
    "amount": str,
    "fee": str,
    "tax": str,
    "pricing": str,
    "at": str,
})


FillsAnswer = TypedDict("FillsAnswer", {
    "results": list["FillAnswer"],
    "next_cursor": str | None,
})


HaltBodyRequest = TypedDict("HaltBodyRequest", {
    "scope": Literal['site', 'user', 'account', 'plan', 'instrument'],
    "target": NotRequired[str],
    "mode": Literal['reduce_only', 'halted'],
    "reason": NotRequired[str],
})


HistoryAnswer = TypedDict("HistoryAnswer", {
    "results": list["DayAnswer"],
})


ImportAnswer = TypedDict("ImportAnswer", {
    "id": str,
    "strategy": str,
    "number": int,
    "version_hash": str,
    "created_at": str,
    "document": dict[str, Any],
    "sentences": list[str],
    "remarks": list["RemarkAnswer"],
})


ImportBodyRequest = TypedDict("ImportBodyRequest", {
    "content": str,
    "sell_by_risk_only": NotRequired[bool],
})


InstrumentAnswer = TypedDict("InstrumentAnswer", {
    "key": str,
    "venue": str,
    "symbol": str,
    "name": str,
    "kind": str,
    "currency": str,
    "lot": str,
    "min_quantity": str,
    "min_amount": str,
    "source": str,
    "is_active": bool,
})


InstrumentsAnswer = TypedDict("InstrumentsAnswer", {
    "results": list["InstrumentAnswer"],
    "next_cursor": str | None,
})


JobAnswer = TypedDict("JobAnswer", {
    "state": Literal['queued', 'running', 'done', 'failed', 'canceled'],
    "stage": str,
    "progress": int,
    "code": str,
    "message": str,
})


KeyAnswer = TypedDict("KeyAnswer", {
    "broker_account": str,
    "key": str,
    "account_number": str,
    "state": Literal['works', 'failed', 'unchecked', 'off', 'removed'],
    "failure": str,
    "checked_at": str | None,
    "expires_on": str | None,
    "permissions": dict[str, Any],
})


KisBodyRequest = TypedDict("KisBodyRequest", {
    "name": str,
    "environment": Literal['paper', 'live'],
    "account_number": str,
    "api_key": str,
    "secret_key": str,
    "hts_id": NotRequired[str],
    "expires_on": NotRequired[str],
})


LatchAnswer = TypedDict("LatchAnswer", {
    "scope": Literal['site', 'user', 'account', 'plan', 'instrument'],
    "target": str,
    "mode": Literal['active', 'reduce_only', 'halted'],
    "reason": str,
    "version": int,
    "unconfirmed": int,
})


LevelAnswer = TypedDict("LevelAnswer", {
    "price": str,
    "quantity": str,
})


LibrariesAnswer = TypedDict("LibrariesAnswer", {
    "results": list["LibraryAnswer"],
})


LibraryAnswer = TypedDict("LibraryAnswer", {
    "key": str,
    "name": str,
    "description": str,
    "document": dict[str, Any],
})


LimitAnswer = TypedDict("LimitAnswer", {
    "name": str,
    "unit": str,
    "value": str | None,
    "scope": str,
    "start": str | None,
    "coming": str | None,
    "coming_at": str | None,
})


LimitBodyRequest = TypedDict("LimitBodyRequest", {
    "value": str,
})


LimitsAnswer = TypedDict("LimitsAnswer", {
    "results": list["LimitAnswer"],
})


LinkBodyRequest = TypedDict("LinkBodyRequest", {
    "link": str,
})


LoginBodyRequest = TypedDict("LoginBodyRequest", {
    "email": str,
    "password": str,
    "code": NotRequired[str],
    "device_name": NotRequired[str],
})


MeAnswer = TypedDict("MeAnswer", {
    "id": str,
    "email": str,
    "name": str,
    "role": Literal['viewer', 'trader', 'admin'],
    "language": Literal['ko', 'en'],
    "time_zone": str,
    "is_active": bool,
    "is_2fa_enabled": bool,
    "created_at": str,
    "updated_at": str,
})


MeBodyRequest = TypedDict("MeBodyRequest", {
    "name": NotRequired[str],
    "language": NotRequired[Literal['ko', 'en']],
    "time_zone": NotRequired[str],
})


MessageAnswer = TypedDict("MessageAnswer", {
    "message": str,
})


NewTokenAnswer = TypedDict("NewTokenAnswer", {
    "id": str,
    "name": str,
    "scope": Literal['read', 'trade'],
    "hint": str,
    "created_at": str,
    "expires_at": str,
    "used_at": str | None,
    "used_from": str,
    "token": str,
})


NoticeAnswer = TypedDict("NoticeAnswer", {
    "id": int,
    "kind": Literal['security', 'trouble', 'signals', 'fills', 'backtests'],
    "cause": str,
    "message": str,
    "subject": str,
    "facts": dict[str, Any],
    "at": str,
    "seen_at": str | None,
})


NoticesAnswer = TypedDict("NoticesAnswer", {
    "results": list["NoticeAnswer"],
    "next_cursor": str | None,
})


OrderAnswer = TypedDict("OrderAnswer", {
    "id": str,
    "broker_account": str,
    "instrument": str,
    "currency": str,
    "side": Literal['buy', 'sell'],
    "order_type": Literal['market', 'limit', 'stop'],
    "time_in_force": Literal['day', 'gtc', 'ioc', 'fok'],
    "division": Literal['plain', 'conditional', 'best', 'first', 'pre_open', 'post_close', 'after', 'after_best', 'after_first'],
    "quantity": str,
    "limit_price": str | None,
    "stop_price": str | None,
    "filled_quantity": str,
    "filled_amount": str,
    "average_price": str | None,
    "fee": str,
    "tax": str,
    "purpose": Literal['manual', 'entry', 'exit'],
    "plan": str | None,
    "step": int | None,
    "state": Literal['denied', 'pending', 'withdrawn', 'submitted', 'unknown', 'ambiguous', 'not_placed', 'rejected', 'accepted', 'partially_filled', 'filled', 'canceled', 'expired'],
    "reason": str,
    "message": str,
    "facts": dict[str, Any],
    "cancel_requested": bool,
    "replaces": str | None,
    "market_at": str,
    "created_at": str,
    "expires_at": str | None,
    "finished_at": str | None,
    "version": int,
})


OrderBodyRequest = TypedDict("OrderBodyRequest", {
    "broker_account": str,
    "instrument": str,
    "side": Literal['buy', 'sell'],
    "order_type": Literal['market', 'limit', 'stop'],
    "quantity": str,
    "limit_price": NotRequired[str | None],
    "stop_price": NotRequired[str | None],
    "time_in_force": NotRequired[Literal['day', 'gtc', 'ioc', 'fok']],
    "division": NotRequired[Literal['plain', 'conditional', 'best', 'first', 'pre_open', 'post_close', 'after', 'after_best', 'after_first']],
})


OrdersAnswer = TypedDict("OrdersAnswer", {
    "results": list["OrderAnswer"],
    "next_cursor": str | None,
})


PartAnswer = TypedDict("PartAnswer", {
    "state": Literal['up', 'late', 'down'],
    "age_seconds": float | None,
})


PasswordBodyRequest = TypedDict("PasswordBodyRequest", {
    "old_password": str,
    "new_password": str,
})


PlanAnswer = TypedDict("PlanAnswer", {
    "id": str,
    "name": str,
    "broker_account": str,
    "environment": str,
    "instrument": str,
    "interval": Literal['1m', '5m', '15m', '1h', '4h', '1d'],
    "strategy": str,
    "strategy_version": str,
    "budget": str,
    "first_share": str,
    "mode": Literal['off', 'shadow', 'on'],
    "stopping": bool,
    "repeat": bool,
    "cooldown_bars": int,
    "ends_on": str | None,
    "signal": int,
    "cycle": int,
    "held_quantity": str,
    "held_cost": str,
    "cycle_spent": str,
    "realised": str,
    "watches_from": str,
    "decided_until": str | None,
    "created_at": str,
    "updated_at": str,
    "version": int,
})


PlanBodyRequest = TypedDict("PlanBodyRequest", {
    "name": str,
    "broker_account": str,
    "instrument": str,
    "interval": NotRequired[Literal['1m', '5m', '15m', '1h', '4h', '1d']],
    "rule": NotRequired["RuleBodyRequest"],
    "budget": str,
    "first_share": NotRequired[str],
    "mode": NotRequired[Literal['on', 'shadow']],
    "repeat": NotRequired[bool],
    "cooldown_bars": NotRequired[int],
    "ends_on": NotRequired[str | None],
})


PlanChangeBodyRequest = TypedDict("PlanChangeBodyRequest", {
    "name": NotRequired[str],
    "rule": NotRequired["RuleBodyRequest"],
    "budget": NotRequired[str],
    "first_share": NotRequired[str],
    "mode": NotRequired[Literal['on', 'shadow']],
    "repeat": NotRequired[bool],
    "cooldown_bars": NotRequired[int],
    "ends_on": NotRequired[str | None],
})


PlanFillAnswer = TypedDict("PlanFillAnswer", {
    "at": str,
    "cycle": int,
    "signal": int,
    "side": Literal['buy', 'sell'],
    "price": str,
    "quantity": str,
    "fee": str,
    "tax": str,
    "cash_after": str,
})


PlanFillsAnswer = TypedDict("PlanFillsAnswer", {
    "results": list["PlanFillAnswer"],
})


PlansAnswer = TypedDict("PlansAnswer", {
    "results": list["PlanAnswer"],
    "next_cursor": str | None,
})


PositionAnswer = TypedDict("PositionAnswer", {
    "broker_account": str,
    "instrument": str,
    "currency": str,
    "quantity": str,
    "reserved": str,
    "cost": str,
    "average_cost": str,
    "price": str | None,
    "value": str | None,
    "unrealised": str | None,
})


PositionsAnswer = TypedDict("PositionsAnswer", {
    "results": list["PositionAnswer"],
})


ProcessesAnswer = TypedDict("ProcessesAnswer", {
    "status": str,
    "database": "PartAnswer",
    "redis": "PartAnswer",
    "worker": "PartAnswer",
    "beat": "PartAnswer",
    "feed": "PartAnswer",
    "dispatch": "PartAnswer",
    "halt": str | None,
    "unresolved": int | None,
})


QueuesAnswer = TypedDict("QueuesAnswer", {
    "orders_by_state": dict[str, Any],
    "changes_waiting": int,
    "alerts_open": int,
    "leases": list[str],
})


QuoteAnswer = TypedDict("QuoteAnswer", {
    "key": str,
    "price": str,
    "bid": str | None,
    "ask": str | None,
    "base_price": str,
    "change_rate": str | None,
    "day_volume": str,
    "currency": str,
    "source": str,
    "at": str,
    "received_at": str,
    "is_stale": bool,
})


RecoveryCodesAnswer = TypedDict("RecoveryCodesAnswer", {
    "recovery_codes": list[str],
})


RefreshBodyRequest = TypedDict("RefreshBodyRequest", {
    "refresh_token": str,
})


RegisterBodyRequest = TypedDict("RegisterBodyRequest", {
    "email": str,
    "password": str,
})


ReleaseBodyRequest = TypedDict("ReleaseBodyRequest", {
    "scope": Literal['site', 'user', 'account', 'plan', 'instrument'],
    "target": NotRequired[str],
    "version": int,
})


RemarkAnswer = TypedDict("RemarkAnswer", {
    "code": str,
    "path": str,
    "message": str,
})


ResetBodyRequest = TypedDict("ResetBodyRequest", {
    "opening_balance": str,
})


ResultAnswer = TypedDict("ResultAnswer", {
    "bars": int,
    "first_at": str,
    "last_at": str,
    "seed": int,
    "inputs_hash": str,
    "result_hash": str,
    "figures": dict[str, Any],
    "months": list[dict[str, Any]],
    "trades": list[dict[str, Any]],
    "parts": list[dict[str, Any]],
})


RuleBodyRequest = TypedDict("RuleBodyRequest", {
    "kind": NotRequired[Literal['basic', 'breakout', 'consecutive_moves', 'false_breakout', 'ma_divergence', 'momentum', 'rsi', 'short_term_reversal', 'sma_crossover', 'strong_close', 'swing', 'swing_active', 'trend_filter_signal', 'volatility_breakout', 'week52_high']],
    "version": NotRequired[str],
    "parameters": NotRequired[dict[str, Any]],
})


ScorecardAnswer = TypedDict("ScorecardAnswer", {
    "job": "JobAnswer",
    "grade": str,
    "checks": list[dict[str, Any]],
})


SeenAnswer = TypedDict("SeenAnswer", {
    "seen": int,
})


SeenBodyRequest = TypedDict("SeenBodyRequest", {
    "ids": NotRequired[list[int]],
})


SentencesAnswer = TypedDict("SentencesAnswer", {
    "sentences": list[str],
})


SignInAnswer = TypedDict("SignInAnswer", {
    "access_token": str,
    "token_type": Literal['Bearer'],
    "expires_in": int,
    "refresh_token": str,
    "refresh_expires_at": str,
    "device_id": str,
    "device_token": str,
})


StatisticAnswer = TypedDict("StatisticAnswer", {
    "currency": str,
    "fills": int,
    "bought": str,
    "sold": str,
    "fees": str,
    "taxes": str,
    "realised": str,
})


StatisticsAnswer = TypedDict("StatisticsAnswer", {
    "orders": int,
    "open_orders": int,
    "by_currency": list["StatisticAnswer"],
})


StepUpBodyRequest = TypedDict("StepUpBodyRequest", {
    "password": str,
    "code": NotRequired[str],
})


StopAnswer = TypedDict("StopAnswer", {
    "scope": Literal['site', 'user', 'account', 'plan', 'instrument'],
    "mode": Literal['active', 'reduce_only', 'halted'],
    "name": str,
})


StopBodyRequest = TypedDict("StopBodyRequest", {
    "sell": bool,
})


StoppedAnswer = TypedDict("StoppedAnswer", {
    "plan": "PlanAnswer",
    "sale": "OrderAnswer | None",
    "reason": str,
    "message": str,
})


StrategiesAnswer = TypedDict("StrategiesAnswer", {
    "results": list["StrategyAnswer"],
    "next_cursor": str | None,
})


StrategyAnswer = TypedDict("StrategyAnswer", {
    "id": str,
    "name": str,
    "kind": str,
    "is_own": bool,
    "created_at": str,
    "archived_at": str | None,
})


StrategyBodyRequest = TypedDict("StrategyBodyRequest", {
    "name": str,
})


SummaryAnswer = TypedDict("SummaryAnswer", {
    "totals": list["TotalAnswer"],
    "accounts": list["BalanceAnswer"],
    "positions": list["PositionAnswer"],
})


SweepAnswer = TypedDict("SweepAnswer", {
    "id": str,
    "name": str,
    "kind": Literal['grid', 'random', 'optuna', 'walk_forward'],
    "strategy_version": str,
    "instrument": str,
    "interval": str,
    "axes": dict[str, Any],
    "goal": str,
    "combinations": int,
    "state": Literal['queued', 'running', 'done', 'failed', 'canceled'],
    "progress": int,
    "created_at": str,
})


SweepBodyRequest = TypedDict("SweepBodyRequest", {
    "name": NotRequired[str],
    "strategy": str,
    "parameters": NotRequired[dict[str, Any]],
    "instrument": NotRequired[str],
    "interval": NotRequired[Literal['1m', '5m', '15m', '1h', '4h', '1d']],
    "upload": NotRequired[str],
    "instruments": NotRequired[list[str]],
    "uploads": NotRequired[list[str]],
    "starts_on": NotRequired[str],
    "ends_on": NotRequired[str],
    "cash": str,
    "budget": NotRequired[str],
    "first_share": NotRequired[str],
    "repeat": NotRequired[bool],
    "cooldown_bars": NotRequired[int],
    "participation": NotRequired[str],
    "spread_ticks": NotRequired[int],
    "slippage_ticks": NotRequired[int],
    "slippage_rate": NotRequired[str],
    "commission": NotRequired[str],
    "exits": NotRequired[Literal['at_close', 'inside_bar']],
    "seed": NotRequired[int],
    "kind": Literal['grid', 'random', 'optuna', 'walk_forward'],
    "axes": dict[str, Any],
    "goal": NotRequired[Literal['sharpe', 'total_return', 'cagr', 'sortino', 'calmar', 'profit_factor', 'win_rate', 'max_drawdown']],
    "draws": NotRequired[int],
    "windows": NotRequired[int],
})


SweepsAnswer = TypedDict("SweepsAnswer", {
    "results": list["SweepAnswer"],
    "next_cursor": str | None,
})


SwitchAnswer = TypedDict("SwitchAnswer", {
    "scope": Literal['site', 'user', 'account', 'plan', 'instrument'],
    "target": str,
    "name": str,
    "mode": Literal['active', 'reduce_only', 'halted'],
    "reason": str,
    "message": str,
    "at": str | None,
    "version": int,
    "above": "StopAnswer | None",
    "working": int,
    "unconfirmed": int,
})


SwitchesAnswer = TypedDict("SwitchesAnswer", {
    "results": list["SwitchAnswer"],
})


TicketAnswer = TypedDict("TicketAnswer", {
    "ticket": str,
    "expires_at": str,
})


TokenAnswer = TypedDict("TokenAnswer", {
    "access_token": str,
    "token_type": Literal['Bearer'],
    "expires_in": int,
    "refresh_token": str,
    "refresh_expires_at": str,
    "device_id": str,
})


TokenBodyRequest = TypedDict("TokenBodyRequest", {
    "name": str,
    "scope": Literal['read', 'trade'],
    "days": Literal[7, 30, 90, 365],
})


TokensAnswer = TypedDict("TokensAnswer", {
    "results": list["ApiTokenAnswer"],
})


TotalAnswer = TypedDict("TotalAnswer", {
    "currency": str,
    "total_value": str,
    "cash_available": str,
    "cash_reserved": str,
    "positions_value": str,
    "deposited": str,
    "profit": str,
})


TradeAnswer = TypedDict("TradeAnswer", {
    "id": str,
    "user_id": str,
    "symbol": str,
    "side": Literal['buy', 'sell'],
    "position_side": str,
    "order_type": Literal['market', 'limit', 'stop'],
    "quantity": str,
    "price": str | None,
    "executed_price": str | None,
    "status": Literal['denied', 'pending', 'withdrawn', 'submitted', 'unknown', 'ambiguous', 'not_placed', 'rejected', 'accepted', 'partially_filled', 'filled', 'canceled', 'expired'],
    "strategy_name": str | None,
    "signal_source": dict[str, Any] | None,
    "pnl": str | None,
    "created_at": str,
    "executed_at": str | None,
})


TradesAnswer = TypedDict("TradesAnswer", {
    "results": list["TradeAnswer"],
    "next_cursor": str | None,
})


TransferAnswer = TypedDict("TransferAnswer", {
    "id": int,
    "broker_account": str,
    "kind": str,
    "at": str,
    "amount": str,
    "currency": str,
})


TransfersAnswer = TypedDict("TransfersAnswer", {
    "results": list["TransferAnswer"],
    "next_cursor": str | None,
})


UploadAnswer = TypedDict("UploadAnswer", {
    "id": str,
    "name": str,
    "instrument": str,
    "interval": str,
    "size": int,
    "bars": int,
    "first_at": str | None,
    "last_at": str | None,
    "job": "JobAnswer",
    "problems": list[str],
    "bad_rows": int,
    "tolerated": list[str],
    "created_at": str,
})


UploadsAnswer = TypedDict("UploadsAnswer", {
    "results": list["UploadAnswer"],
    "next_cursor": str | None,
})


VersionAnswer = TypedDict("VersionAnswer", {
    "id": str,
    "strategy": str,
    "number": int,
    "version_hash": str,
    "created_at": str,
})


VersionsAnswer = TypedDict("VersionsAnswer", {
    "results": list["VersionAnswer"],
    "next_cursor": str | None,
})


VirtualBodyRequest = TypedDict("VirtualBodyRequest", {
    "name": str,
    "opening_balance": str,
    "currency": NotRequired[Literal['BTC', 'KRW', 'USDT']],
})


WatchlistAnswer = TypedDict("WatchlistAnswer", {
    "results": list["InstrumentAnswer"],
})


WholeBacktestAnswer = TypedDict("WholeBacktestAnswer", {
    "id": str,
    "name": str,
    "strategy_version": str,
    "version_hash": str,
    "parameters": dict[str, Any],
    "instrument": str,
    "instruments": list[str],
    "interval": str,
    "upload": str | None,
    "uploads": list[str],
    "starts_on": str | None,
    "ends_on": str | None,
    "terms": dict[str, Any],
    "job": "JobAnswer",
    "created_at": str,
    "result": "ResultAnswer | None",
    "scorecard": "ScorecardAnswer | None",
})


WholeSweepAnswer = TypedDict("WholeSweepAnswer", {
    "id": str,
    "name": str,
    "kind": Literal['grid', 'random', 'optuna', 'walk_forward'],
    "strategy_version": str,
    "instrument": str,
    "interval": str,
    "axes": dict[str, Any],
    "goal": str,
    "combinations": int,
    "state": Literal['queued', 'running', 'done', 'failed', 'canceled'],
    "progress": int,
    "created_at": str,
    "found": list[dict[str, Any]],
})


WholeVersionAnswer = TypedDict("WholeVersionAnswer", {
    "id": str,
    "strategy": str,
    "number": int,
    "version_hash": str,
    "created_at": str,
    "document": dict[str, Any],
    "sentences": list[str],
})


class Api:
    """One method per operation, named by its address."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get_auth_devices(self) -> "DevicesAnswer":
        """Signed-in devices."""
        result: "DevicesAnswer" = self._caller.call("GET", "/api/v1/auth/devices")
        return result

    def delete_auth_devices(self) -> "EndedAnswer":
        """Sign every other device out."""
        result: "EndedAnswer" = self._caller.call("DELETE", "/api/v1/auth/devices")
        return result

    def delete_auth_devices_device_id(self, device_id: str) -> None:
        """Sign one device out."""
        self._caller.call("DELETE", f"/api/v1/auth/devices/{quote(str(device_id), safe=':/')}")

    def get_auth_email(self) -> "EmailAnswer":
        """The address, and the one that waits to be confirmed."""
        result: "EmailAnswer" = self._caller.call("GET", "/api/v1/auth/email")
        return result

    def post_auth_email(self, body: "EmailBodyRequest") -> "EmailAnswer":
        """Ask for another address."""
        result: "EmailAnswer" = self._caller.call("POST", "/api/v1/auth/email", body=body)
        return result

    def post_auth_email_confirm(self, body: "LinkBodyRequest") -> None:
        """Confirm the new address; every sign-in ends."""
        self._caller.call("POST", "/api/v1/auth/email/confirm", body=body)

    def post_auth_email_undo(self, body: "LinkBodyRequest") -> None:
        """Take a change of address back."""
        self._caller.call("POST", "/api/v1/auth/email/undo", body=body)

    def post_auth_login(self, body: "LoginBodyRequest") -> "SignInAnswer":
        """Sign in."""
        result: "SignInAnswer" = self._caller.call("POST", "/api/v1/auth/login", body=body)
        return result

    def post_auth_logout(self) -> None:
        """Sign this device out."""
        self._caller.call("POST", "/api/v1/auth/logout")

    def get_auth_me(self) -> "MeAnswer":
        """The signed-in person."""
        result: "MeAnswer" = self._caller.call("GET", "/api/v1/auth/me")
        return result

    def patch_auth_me(self, body: "MeBodyRequest", *, if_match: str) -> "MeAnswer":
        """Change name, language or time zone."""
        result: "MeAnswer" = self._caller.call("PATCH", "/api/v1/auth/me", body=body, headers={"If-Match": if_match})
        return result

    def get_auth_notifications(self) -> "ChoicesAnswer":
        """What is told where."""
        result: "ChoicesAnswer" = self._caller.call("GET", "/api/v1/auth/notifications")
        return result

    def put_auth_notifications(self, body: "ChoiceBodyRequest") -> "ChoicesAnswer":
        """Switch one kind on or off, one way."""
        result: "ChoicesAnswer" = self._caller.call("PUT", "/api/v1/auth/notifications", body=body)
        return result

    def post_auth_password(self, body: "PasswordBodyRequest") -> "TokenAnswer":
        """Change the password."""
        result: "TokenAnswer" = self._caller.call("POST", "/api/v1/auth/password", body=body)
        return result

    def post_auth_refresh(self, body: "RefreshBodyRequest") -> "TokenAnswer":
        """New tokens for a refresh token."""
        result: "TokenAnswer" = self._caller.call("POST", "/api/v1/auth/refresh", body=body)
        return result

    def post_auth_register(self, body: "RegisterBodyRequest") -> "MessageAnswer":
        """Sign up."""
        result: "MessageAnswer" = self._caller.call("POST", "/api/v1/auth/register", body=body)
        return result

    def get_auth_second_factor(self) -> "FactorAnswer":
        """Whether the second factor is on."""
        result: "FactorAnswer" = self._caller.call("GET", "/api/v1/auth/second-factor")
        return result

    def post_auth_second_factor(self) -> "EnrolmentAnswer":
        """Begin: a fresh secret for the authenticator app."""
        result: "EnrolmentAnswer" = self._caller.call("POST", "/api/v1/auth/second-factor")
        return result

    def delete_auth_second_factor(self) -> None:
        """Switch it off."""
        self._caller.call("DELETE", "/api/v1/auth/second-factor")

    def post_auth_second_factor_confirm(self, body: "CodeBodyRequest") -> "RecoveryCodesAnswer":
        """Switch it on with the app's first code."""
        result: "RecoveryCodesAnswer" = self._caller.call("POST", "/api/v1/auth/second-factor/confirm", body=body)
        return result

    def post_auth_second_factor_recovery_codes(self) -> "RecoveryCodesAnswer":
        """New recovery codes; the old ones are void."""
        result: "RecoveryCodesAnswer" = self._caller.call("POST", "/api/v1/auth/second-factor/recovery-codes")
        return result

    def post_auth_step_up(self, body: "StepUpBodyRequest") -> None:
        """Prove who you are, for ten minutes."""
        self._caller.call("POST", "/api/v1/auth/step-up", body=body)

    def get_auth_tokens(self) -> "TokensAnswer":
        """The person's API tokens."""
        result: "TokensAnswer" = self._caller.call("GET", "/api/v1/auth/tokens")
        return result

    def post_auth_tokens(self, body: "TokenBodyRequest") -> "NewTokenAnswer":
        """Make a token for a program."""
        result: "NewTokenAnswer" = self._caller.call("POST", "/api/v1/auth/tokens", body=body)
        return result

    def delete_auth_tokens_token_id(self, token_id: str) -> None:
        """End a token."""
        self._caller.call("DELETE", f"/api/v1/auth/tokens/{quote(str(token_id), safe=':/')}")

    def get_backtests(self, *, cursor: str | None = None, limit: int | None = None) -> "BacktestsAnswer":
        """Backtests, newest first."""
        result: "BacktestsAnswer" = self._caller.call("GET", "/api/v1/backtests/", query={"cursor": cursor, "limit": limit})
        return result

    def post_backtests(self, body: "AskedBodyRequest", *, key: str | None = None) -> "BacktestAnswer":
        """Start a backtest."""
        result: "BacktestAnswer" = self._caller.call("POST", "/api/v1/backtests/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def get_backtests_sweeps(self, *, cursor: str | None = None, limit: int | None = None) -> "SweepsAnswer":
        """Sweeps, newest first."""
        result: "SweepsAnswer" = self._caller.call("GET", "/api/v1/backtests/sweeps/", query={"cursor": cursor, "limit": limit})
        return result

    def post_backtests_sweeps(self, body: "SweepBodyRequest", *, key: str | None = None) -> "SweepAnswer":
        """Start a sweep or a walk-forward."""
        result: "SweepAnswer" = self._caller.call("POST", "/api/v1/backtests/sweeps/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def get_backtests_sweeps_sweep_id(self, sweep_id: str) -> "WholeSweepAnswer":
        """A sweep, with what has been found so far."""
        result: "WholeSweepAnswer" = self._caller.call("GET", f"/api/v1/backtests/sweeps/{quote(str(sweep_id), safe=':/')}/")
        return result

    def post_backtests_sweeps_sweep_id_cancel(self, sweep_id: str) -> "SweepAnswer":
        """Stop a sweep where it is."""
        result: "SweepAnswer" = self._caller.call("POST", f"/api/v1/backtests/sweeps/{quote(str(sweep_id), safe=':/')}/cancel/")
        return result

    def get_backtests_uploads(self, *, cursor: str | None = None, limit: int | None = None) -> "UploadsAnswer":
        """Bar files, newest first."""
        result: "UploadsAnswer" = self._caller.call("GET", "/api/v1/backtests/uploads/", query={"cursor": cursor, "limit": limit})
        return result

    def post_backtests_uploads(self, *, instrument: str | None = None, interval: Literal['1m', '5m', '15m', '1h', '4h', '1d'] | None = None, name: str | None = None, zone: str | None = None) -> "UploadAnswer":
        """Send a bar file."""
        result: "UploadAnswer" = self._caller.call("POST", "/api/v1/backtests/uploads/", query={"instrument": instrument, "interval": interval, "name": name, "zone": zone})
        return result

    def get_backtests_uploads_upload_id(self, upload_id: str) -> "UploadAnswer":
        """A bar file, and how far checking it is."""
        result: "UploadAnswer" = self._caller.call("GET", f"/api/v1/backtests/uploads/{quote(str(upload_id), safe=':/')}/")
        return result

    def delete_backtests_uploads_upload_id(self, upload_id: str) -> None:
        """Forget a bar file; results made from it stay."""
        self._caller.call("DELETE", f"/api/v1/backtests/uploads/{quote(str(upload_id), safe=':/')}/")

    def get_backtests_run_id(self, run_id: str) -> "WholeBacktestAnswer":
        """A backtest, with its result once it is done."""
        result: "WholeBacktestAnswer" = self._caller.call("GET", f"/api/v1/backtests/{quote(str(run_id), safe=':/')}/")
        return result

    def delete_backtests_run_id(self, run_id: str) -> None:
        """Forget a backtest that has ended."""
        self._caller.call("DELETE", f"/api/v1/backtests/{quote(str(run_id), safe=':/')}/")

    def post_backtests_run_id_cancel(self, run_id: str) -> "BacktestAnswer":
        """Call a backtest off."""
        result: "BacktestAnswer" = self._caller.call("POST", f"/api/v1/backtests/{quote(str(run_id), safe=':/')}/cancel/")
        return result

    def post_backtests_run_id_scorecard(self, run_id: str) -> "ScorecardAnswer":
        """Ask what speaks against a finished backtest."""
        result: "ScorecardAnswer" = self._caller.call("POST", f"/api/v1/backtests/{quote(str(run_id), safe=':/')}/scorecard/")
        return result

    def get_broker_accounts(self, *, cursor: str | None = None, limit: int | None = None) -> "AccountsAnswer":
        """The person's accounts."""
        result: "AccountsAnswer" = self._caller.call("GET", "/api/v1/broker-accounts/", query={"cursor": cursor, "limit": limit})
        return result

    def post_broker_accounts(self, body: "VirtualBodyRequest", *, key: str | None = None) -> "AccountAnswer":
        """Open a virtual account."""
        result: "AccountAnswer" = self._caller.call("POST", "/api/v1/broker-accounts/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def post_broker_accounts_register(self, body: "KisBodyRequest") -> "KeyAnswer":
        """Connect an account at Korea Investment."""
        result: "KeyAnswer" = self._caller.call("POST", "/api/v1/broker-accounts/register/", body=body)
        return result

    def get_broker_accounts_account_id(self, account_id: str) -> "AccountAnswer":
        """One account."""
        result: "AccountAnswer" = self._caller.call("GET", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/")
        return result

    def get_broker_accounts_account_id_balance(self, account_id: str) -> "BalanceAnswer":
        """Cash, value and profit."""
        result: "BalanceAnswer" = self._caller.call("GET", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/balance/")
        return result

    def post_broker_accounts_account_id_deposit(self, account_id: str, body: "AmountBodyRequest", *, key: str | None = None) -> "BookedAnswer":
        """Put play money in."""
        result: "BookedAnswer" = self._caller.call("POST", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/deposit/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def get_broker_accounts_account_id_halt(self, account_id: str) -> "LatchAnswer":
        """The account's latch."""
        result: "LatchAnswer" = self._caller.call("GET", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/halt/")
        return result

    def post_broker_accounts_account_id_halt(self, account_id: str, body: "AccountHaltBodyRequest") -> "LatchAnswer":
        """Stop the account."""
        result: "LatchAnswer" = self._caller.call("POST", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/halt/", body=body)
        return result

    def delete_broker_accounts_account_id_halt(self, account_id: str, *, if_match: str) -> "LatchAnswer":
        """Let its orders out again."""
        result: "LatchAnswer" = self._caller.call("DELETE", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/halt/", headers={"If-Match": if_match})
        return result

    def get_broker_accounts_account_id_key(self, account_id: str) -> "KeyAnswer":
        """The account's key."""
        result: "KeyAnswer" = self._caller.call("GET", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/key/")
        return result

    def delete_broker_accounts_account_id_key(self, account_id: str) -> None:
        """Take the key away; the books stay."""
        self._caller.call("DELETE", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/key/")

    def get_broker_accounts_account_id_limits(self, account_id: str) -> "LimitsAnswer":
        """Every limit as it stands for the account's orders."""
        result: "LimitsAnswer" = self._caller.call("GET", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/limits/")
        return result

    def put_broker_accounts_account_id_limits_name(self, account_id: str, name: str, body: "LimitBodyRequest") -> "LimitAnswer":
        """Set one limit."""
        result: "LimitAnswer" = self._caller.call("PUT", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/limits/{quote(str(name), safe=':/')}/", body=body)
        return result

    def delete_broker_accounts_account_id_limits_name(self, account_id: str, name: str) -> "LimitAnswer":
        """Take one limit back to its start value."""
        result: "LimitAnswer" = self._caller.call("DELETE", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/limits/{quote(str(name), safe=':/')}/")
        return result

    def get_broker_accounts_account_id_positions(self, account_id: str) -> "PositionsAnswer":
        """Holdings at their last prices."""
        result: "PositionsAnswer" = self._caller.call("GET", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/positions/")
        return result

    def post_broker_accounts_account_id_reset(self, account_id: str, body: "ResetBodyRequest", *, key: str | None = None) -> "BookedAnswer":
        """Begin a virtual account anew."""
        result: "BookedAnswer" = self._caller.call("POST", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/reset/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def post_broker_accounts_account_id_verify(self, account_id: str) -> "KeyAnswer":
        """Ask the broker what the key can do."""
        result: "KeyAnswer" = self._caller.call("POST", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/verify/")
        return result

    def post_broker_accounts_account_id_withdraw(self, account_id: str, body: "AmountBodyRequest", *, key: str | None = None) -> "BookedAnswer":
        """Take play money out."""
        result: "BookedAnswer" = self._caller.call("POST", f"/api/v1/broker-accounts/{quote(str(account_id), safe=':/')}/withdraw/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def get_deposits(self, *, cursor: str | None = None, limit: int | None = None) -> "TransfersAnswer":
        """Deposits and withdrawals of all accounts, newest first."""
        result: "TransfersAnswer" = self._caller.call("GET", "/api/v1/deposits/", query={"cursor": cursor, "limit": limit})
        return result

    def get_halts(self) -> "SwitchesAnswer":
        """Everything the person may stop, and what is stopped."""
        result: "SwitchesAnswer" = self._caller.call("GET", "/api/v1/halts/")
        return result

    def post_halts(self, body: "HaltBodyRequest") -> "LatchAnswer":
        """Stop, at once."""
        result: "LatchAnswer" = self._caller.call("POST", "/api/v1/halts/", body=body)
        return result

    def post_halts_release(self, body: "ReleaseBodyRequest") -> "LatchAnswer":
        """Let orders out again."""
        result: "LatchAnswer" = self._caller.call("POST", "/api/v1/halts/release/", body=body)
        return result

    def get_instruments(self, *, cursor: str | None = None, kind: Literal['stock', 'etf', 'crypto'] | None = None, limit: int | None = None, q: str | None = None, venue: str | None = None) -> "InstrumentsAnswer":
        """Instruments, by venue and code."""
        result: "InstrumentsAnswer" = self._caller.call("GET", "/api/v1/instruments/", query={"cursor": cursor, "kind": kind, "limit": limit, "q": q, "venue": venue})
        return result

    def get_instruments_key(self, key: str) -> "InstrumentAnswer":
        """One instrument."""
        result: "InstrumentAnswer" = self._caller.call("GET", f"/api/v1/instruments/{quote(str(key), safe=':/')}/")
        return result

    def get_instruments_key_bars(self, key: str, *, interval: Literal['1m', '5m', '15m', '1h', '4h', '1d'] | None = None, limit: int | None = None) -> "BarsAnswer":
        """Stored bars, oldest first."""
        result: "BarsAnswer" = self._caller.call("GET", f"/api/v1/instruments/{quote(str(key), safe=':/')}/bars/", query={"interval": interval, "limit": limit})
        return result

    def get_instruments_key_order_book(self, key: str) -> "BookAnswer":
        """The order book, ten levels, best first."""
        result: "BookAnswer" = self._caller.call("GET", f"/api/v1/instruments/{quote(str(key), safe=':/')}/order-book/")
        return result

    def get_instruments_key_quote(self, key: str) -> "QuoteAnswer":
        """The last price."""
        result: "QuoteAnswer" = self._caller.call("GET", f"/api/v1/instruments/{quote(str(key), safe=':/')}/quote/")
        return result

    def get_notices(self, *, cursor: str | None = None, limit: int | None = None) -> "NoticesAnswer":
        """What the person was told, newest first."""
        result: "NoticesAnswer" = self._caller.call("GET", "/api/v1/notices/", query={"cursor": cursor, "limit": limit})
        return result

    def post_notices_seen(self, body: "SeenBodyRequest") -> "SeenAnswer":
        """These have been read; without `ids` all."""
        result: "SeenAnswer" = self._caller.call("POST", "/api/v1/notices/seen/", body=body)
        return result

    def get_notifications(self, *, cursor: str | None = None, is_open: bool | None | None = None, limit: int | None = None) -> "AlertsAnswer":
        """What the person has to see, last told first."""
        result: "AlertsAnswer" = self._caller.call("GET", "/api/v1/notifications/", query={"cursor": cursor, "is_open": is_open, "limit": limit})
        return result

    def post_notifications_alert_id_seen(self, alert_id: str) -> "AlertAnswer":
        """Seen: close one thread."""
        result: "AlertAnswer" = self._caller.call("POST", f"/api/v1/notifications/{quote(str(alert_id), safe=':/')}/seen/")
        return result

    def get_orders(self, *, broker_account: str | None = None, cursor: str | None = None, instrument: str | None = None, limit: int | None = None, ordering: Literal['-created_at', 'created_at'] | None = None, plan: str | None = None, side: Literal['buy', 'sell'] | None = None, since: str | None = None, state: Literal['denied', 'pending', 'withdrawn', 'submitted', 'unknown', 'ambiguous', 'not_placed', 'rejected', 'accepted', 'partially_filled', 'filled', 'canceled', 'expired', 'open'] | None = None, until: str | None = None) -> "OrdersAnswer":
        """Orders."""
        result: "OrdersAnswer" = self._caller.call("GET", "/api/v1/orders/", query={"broker_account": broker_account, "cursor": cursor, "instrument": instrument, "limit": limit, "ordering": ordering, "plan": plan, "side": side, "since": since, "state": state, "until": until})
        return result

    def post_orders(self, body: "OrderBodyRequest", *, key: str | None = None) -> "OrderAnswer":
        """Place an order."""
        result: "OrderAnswer" = self._caller.call("POST", "/api/v1/orders/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def post_orders_cancel_all(self, body: "CancelAllBodyRequest") -> "CanceledAnswer":
        """Cancel every open order, or those of one account or instrument."""
        result: "CanceledAnswer" = self._caller.call("POST", "/api/v1/orders/cancel-all/", body=body)
        return result

    def post_orders_estimate(self, body: "EstimateBodyRequest") -> "EstimateAnswer":
        """What an order would cost or bring; nothing is placed."""
        result: "EstimateAnswer" = self._caller.call("POST", "/api/v1/orders/estimate/", body=body)
        return result

    def get_orders_fills(self, *, cursor: str | None = None, limit: int | None = None) -> "FillsAnswer":
        """Every fill, newest first."""
        result: "FillsAnswer" = self._caller.call("GET", "/api/v1/orders/fills/", query={"cursor": cursor, "limit": limit})
        return result

    def get_orders_order_id(self, order_id: str) -> "OrderAnswer":
        """One order."""
        result: "OrderAnswer" = self._caller.call("GET", f"/api/v1/orders/{quote(str(order_id), safe=':/')}/")
        return result

    def patch_orders_order_id(self, order_id: str, body: "ChangeBodyRequest", *, if_match: str, key: str | None = None) -> "OrderAnswer":
        """Change quantity or price."""
        result: "OrderAnswer" = self._caller.call("PATCH", f"/api/v1/orders/{quote(str(order_id), safe=':/')}/", body=body, headers={"If-Match": if_match, "Idempotency-Key": key or str(uuid4())})
        return result

    def post_orders_order_id_cancel(self, order_id: str) -> "OrderAnswer":
        """Cancel an order."""
        result: "OrderAnswer" = self._caller.call("POST", f"/api/v1/orders/{quote(str(order_id), safe=':/')}/cancel/")
        return result

    def get_orders_order_id_fills(self, order_id: str, *, cursor: str | None = None, limit: int | None = None) -> "FillsAnswer":
        """The fills of an order, oldest first."""
        result: "FillsAnswer" = self._caller.call("GET", f"/api/v1/orders/{quote(str(order_id), safe=':/')}/fills/", query={"cursor": cursor, "limit": limit})
        return result

    def get_portfolio_history(self, *, days: int | None = None) -> "HistoryAnswer":
        """The portfolio day by day, oldest first; currencies stand side by side."""
        result: "HistoryAnswer" = self._caller.call("GET", "/api/v1/portfolio/history/", query={"days": days})
        return result

    def get_portfolio_statistics(self) -> "StatisticsAnswer":
        """How much was traded, and what it brought."""
        result: "StatisticsAnswer" = self._caller.call("GET", "/api/v1/portfolio/statistics/")
        return result

    def get_portfolio_summary(self) -> "SummaryAnswer":
        """Everything the person has, at last prices."""
        result: "SummaryAnswer" = self._caller.call("GET", "/api/v1/portfolio/summary/")
        return result

    def get_portfolio_trades_csv(self) -> str:
        """Every trade as a table file (CSV)."""
        result: str = self._caller.call("GET", "/api/v1/portfolio/trades.csv")
        return result

    def get_portfolio_trades(self, *, cursor: str | None = None, limit: int | None = None, status: Literal['denied', 'pending', 'withdrawn', 'submitted', 'unknown', 'ambiguous', 'not_placed', 'rejected', 'accepted', 'partially_filled', 'filled', 'canceled', 'expired'] | None = None, symbol: str | None = None) -> "TradesAnswer":
        """Trades, newest first."""
        result: "TradesAnswer" = self._caller.call("GET", "/api/v1/portfolio/trades/", query={"cursor": cursor, "limit": limit, "status": status, "symbol": symbol})
        return result

    def get_strategies(self, *, cursor: str | None = None, limit: int | None = None) -> "StrategiesAnswer":
        """The person's strategies and the built-in ones."""
        result: "StrategiesAnswer" = self._caller.call("GET", "/api/v1/strategies/", query={"cursor": cursor, "limit": limit})
        return result

    def post_strategies(self, body: "DocumentBodyRequest") -> "WholeVersionAnswer":
        """Keep a rule document."""
        result: "WholeVersionAnswer" = self._caller.call("POST", "/api/v1/strategies/", body=body)
        return result

    def post_strategies_import(self, body: "ImportBodyRequest") -> "ImportAnswer":
        """Bring in a `.kis.yaml` file or our JSON."""
        result: "ImportAnswer" = self._caller.call("POST", "/api/v1/strategies/import/", body=body)
        return result

    def get_strategies_library(self) -> "LibrariesAnswer":
        """The built-in strategies."""
        result: "LibrariesAnswer" = self._caller.call("GET", "/api/v1/strategies/library/")
        return result

    def post_strategies_sentences(self, body: "DocumentBodyRequest") -> "SentencesAnswer":
        """What a rule document says, in sentences; nothing is kept."""
        result: "SentencesAnswer" = self._caller.call("POST", "/api/v1/strategies/sentences/", body=body)
        return result

    def get_strategies_versions_version_id(self, version_id: str) -> "WholeVersionAnswer":
        """One version, with its rule in sentences."""
        result: "WholeVersionAnswer" = self._caller.call("GET", f"/api/v1/strategies/versions/{quote(str(version_id), safe=':/')}/")
        return result

    def get_strategies_versions_version_id_kis_yaml(self, version_id: str) -> str:
        """A version as a `.kis.yaml` file."""
        result: str = self._caller.call("GET", f"/api/v1/strategies/versions/{quote(str(version_id), safe=':/')}/kis-yaml/")
        return result

    def get_strategies_strategy_id(self, strategy_id: str) -> "StrategyAnswer":
        """One strategy."""
        result: "StrategyAnswer" = self._caller.call("GET", f"/api/v1/strategies/{quote(str(strategy_id), safe=':/')}/")
        return result

    def patch_strategies_strategy_id(self, strategy_id: str, body: "StrategyBodyRequest") -> "StrategyAnswer":
        """Give a strategy of one's own another name; its versions stay."""
        result: "StrategyAnswer" = self._caller.call("PATCH", f"/api/v1/strategies/{quote(str(strategy_id), safe=':/')}/", body=body)
        return result

    def delete_strategies_strategy_id(self, strategy_id: str) -> None:
        """Put a strategy of one's own away."""
        self._caller.call("DELETE", f"/api/v1/strategies/{quote(str(strategy_id), safe=':/')}/")

    def post_strategies_strategy_id_restore(self, strategy_id: str) -> "StrategyAnswer":
        """Take a strategy of one's own out of the archive."""
        result: "StrategyAnswer" = self._caller.call("POST", f"/api/v1/strategies/{quote(str(strategy_id), safe=':/')}/restore/")
        return result

    def get_strategies_strategy_id_versions(self, strategy_id: str, *, cursor: str | None = None, limit: int | None = None) -> "VersionsAnswer":
        """Its versions, newest first."""
        result: "VersionsAnswer" = self._caller.call("GET", f"/api/v1/strategies/{quote(str(strategy_id), safe=':/')}/versions/", query={"cursor": cursor, "limit": limit})
        return result

    def get_swing_plans(self, *, broker_account: str | None = None, cursor: str | None = None, instrument: str | None = None, limit: int | None = None, mode: Literal['off', 'shadow', 'on'] | None = None) -> "PlansAnswer":
        """Plans, newest first."""
        result: "PlansAnswer" = self._caller.call("GET", "/api/v1/swing-plans/", query={"broker_account": broker_account, "cursor": cursor, "instrument": instrument, "limit": limit, "mode": mode})
        return result

    def post_swing_plans(self, body: "PlanBodyRequest", *, key: str | None = None) -> "PlanAnswer":
        """Register a plan."""
        result: "PlanAnswer" = self._caller.call("POST", "/api/v1/swing-plans/", body=body, headers={"Idempotency-Key": key or str(uuid4())})
        return result

    def get_swing_plans_configs(self, *, cursor: str | None = None, limit: int | None = None) -> "ConfigsAnswer":
        """Plans in the sources' words."""
        result: "ConfigsAnswer" = self._caller.call("GET", "/api/v1/swing-plans/configs/", query={"cursor": cursor, "limit": limit})
        return result

    def get_swing_plans_defaults(self) -> "DefaultsAnswer":
        """The person's defaults for the literal addresses."""
        result: "DefaultsAnswer" = self._caller.call("GET", "/api/v1/swing-plans/defaults/")
        return result

    def put_swing_plans_defaults(self, body: "DefaultsBodyRequest") -> "DefaultsAnswer":
        """Set them."""
        result: "DefaultsAnswer" = self._caller.call("PUT", "/api/v1/swing-plans/defaults/", body=body)
        return result

    def get_swing_plans_plan_id(self, plan_id: str) -> "PlanAnswer":
        """One plan."""
        result: "PlanAnswer" = self._caller.call("GET", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/")
        return result

    def patch_swing_plans_plan_id(self, plan_id: str, body: "PlanChangeBodyRequest", *, if_match: str) -> "PlanAnswer":
        """Change a plan's terms or its rule."""
        result: "PlanAnswer" = self._caller.call("PATCH", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/", body=body, headers={"If-Match": if_match})
        return result

    def post_swing_plans_plan_id_evaluate_now(self, plan_id: str) -> "EvaluationAnswer":
        """Decide on the last closed bar now."""
        result: "EvaluationAnswer" = self._caller.call("POST", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/evaluate-now/")
        return result

    def get_swing_plans_plan_id_evaluations(self, plan_id: str, *, cursor: str | None = None, limit: int | None = None, order: str | None = None, outcome: Literal['hold', 'buy_first', 'buy_second', 'sell', 'restart', 'wait', 'skipped', 'blocked'] | None = None) -> "EvaluationsAnswer":
        """Every look at the market, newest bar first."""
        result: "EvaluationsAnswer" = self._caller.call("GET", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/evaluations/", query={"cursor": cursor, "limit": limit, "order": order, "outcome": outcome})
        return result

    def get_swing_plans_plan_id_fills(self, plan_id: str) -> "PlanFillsAnswer":
        """What the plan has done, fill by fill, oldest first."""
        result: "PlanFillsAnswer" = self._caller.call("GET", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/fills/")
        return result

    def post_swing_plans_plan_id_pause(self, plan_id: str) -> "PlanAnswer":
        """Stop looking; what is held stays held."""
        result: "PlanAnswer" = self._caller.call("POST", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/pause/")
        return result

    def post_swing_plans_plan_id_resume(self, plan_id: str) -> "PlanAnswer":
        """Look again, from the next closed bar on."""
        result: "PlanAnswer" = self._caller.call("POST", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/resume/")
        return result

    def post_swing_plans_plan_id_stop(self, plan_id: str, body: "StopBodyRequest") -> "StoppedAnswer":
        """Stop the plan for good."""
        result: "StoppedAnswer" = self._caller.call("POST", f"/api/v1/swing-plans/{quote(str(plan_id), safe=':/')}/stop/", body=body)
        return result

    def get_system_feeds(self) -> "FeedsAnswer":
        """Price sources and their clocks."""
        result: "FeedsAnswer" = self._caller.call("GET", "/api/v1/system/feeds/")
        return result

    def get_system_processes(self) -> "ProcessesAnswer":
        """Processes and their signs of life."""
        result: "ProcessesAnswer" = self._caller.call("GET", "/api/v1/system/processes/")
        return result

    def get_system_queues(self) -> "QueuesAnswer":
        """What waits."""
        result: "QueuesAnswer" = self._caller.call("GET", "/api/v1/system/queues/")
        return result

    def get_watchlists(self) -> "WatchlistAnswer":
        """The watched instruments, in their order."""
        result: "WatchlistAnswer" = self._caller.call("GET", "/api/v1/watchlists/")
        return result

    def put_watchlists_key(self, key: str) -> "InstrumentAnswer":
        """Watch an instrument."""
        result: "InstrumentAnswer" = self._caller.call("PUT", f"/api/v1/watchlists/{quote(str(key), safe=':/')}/")
        return result

    def delete_watchlists_key(self, key: str) -> None:
        """Watch it no more."""
        self._caller.call("DELETE", f"/api/v1/watchlists/{quote(str(key), safe=':/')}/")

    def post_ws_ticket(self) -> "TicketAnswer":
        """A ticket for one socket."""
        result: "TicketAnswer" = self._caller.call("POST", "/api/v1/ws-ticket")
        return result
