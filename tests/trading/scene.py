"""What pages show in tests, on top of the common builders: stocks with a price, plans, and looks at them as stored."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Interval
from strategies.library.swing import DEFAULT_SWING
from tests import factories as make
from trading import services
from trading.models import Order, PlanEvaluation, SwingPlan


def make_stock(symbol: str = "005930", price: int = 71_000, name: str = "삼성전자") -> Instrument:
    """A KRX stock on a simulated market that is open, quoted one tick around `price`."""
    instrument = make.make_instrument(symbol, name_ko=name)
    make.put_price(instrument, price, ask=Decimal(price + 100), base=70_000)
    return instrument


def make_order(account: BrokerAccount, instrument: Instrument, **asked: Any) -> Order:
    """A limit buy of ten below the market, which stays open."""
    return make.place(account, instrument, **{"quantity": Decimal(10), "limit_price": Decimal(70_500)} | asked)


def make_plan(user: User, account: BrokerAccount, instrument: Instrument, **fields: Any) -> SwingPlan:
    plan: dict[str, Any] = {
        "name": "첫 오토 스윙",
        "interval": Interval.H1,
        "budget": Decimal(3_000_000),
        "first_share": Decimal("0.5"),
        "parameters": DEFAULT_SWING,
    }
    return services.register_plan(user, broker_account=account, instrument=instrument, **plan | fields)


def make_look(plan: SwingPlan, hours: int = 0, **fields: Any) -> PlanEvaluation:
    """A stored evaluation as the running system writes it: the ADX filter failed, the rest passed."""
    at = make.NOW - timedelta(hours=hours)
    look: dict[str, Any] = {
        "bar_closed_at": at,
        "market_at": at,
        "signal": plan.signal,
        "close": Decimal(71_000),
        "outcome": "hold",
        "reason": "rule_not_met",
        "detail": {"row": make_row(int(at.timestamp())), "facts": {}},
    }
    return PlanEvaluation.objects.create(plan=plan, **look | fields)


def make_row(closed_at: int) -> dict[str, Any]:
    return {
        "closed_at": closed_at,
        "close": 71_000.0,
        "entries": [{"name": "first", "passed": False}, {"name": "second", "passed": False}],
        "exit": False,
        "conditions": [
            _cross("entries[0].when.all[0]", "cross_above", "short_ema", "medium_ema", 71_010.5, 70_980.0, True),
            _adx("entries[0].when.all[1]", 18.2),
            _cross("entries[1].when.all[0]", "cross_above", "medium_ema", "long_ema", 70_980.0, 70_990.0, False),
            _adx("entries[1].when.all[1]", 18.2),
            _cross("exit.all[0]", "cross_below", "short_ema", "medium_ema", 71_010.5, 70_980.0, False),
        ],
    }


def _cross(path: str, kind: str, left: str, right: str, value: float, threshold: float, passed: bool) -> dict[str, Any]:
    periods = {"short_ema": 5, "medium_ema": 20, "long_ema": 60}
    return {
        "path": path,
        "label": path,
        "condition": {"kind": kind, "left": {"indicator": left}, "right": {"indicator": right}},
        "indicators": {alias: {"kind": "ema", "params": {"period": periods[alias]}} for alias in (left, right)},
        "value": value,
        "threshold": threshold,
        "distance": value - threshold,
        "passed": passed,
    }


def _adx(path: str, value: float) -> dict[str, Any]:
    return {
        "path": path,
        "label": path,
        "condition": {"kind": "compare", "left": {"indicator": "adx"}, "op": "gt", "right": {"number": 25}},
        "indicators": {"adx": {"kind": "adx", "params": {"period": 14}}},
        "value": value,
        "threshold": 25,
        "distance": value - 25,
        "passed": value > 25,
    }
