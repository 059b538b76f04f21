"""The swing rule: short x medium EMA cross for the first buy, medium x long for the second, the down-cross out.

Each step can be filtered by RSI, ADX and OBV. Read literally, "RSI < 30 on the bar of an upward cross" never happens,
so the default reading is "RSI was below 30 within the last N bars and is above it now"; `rsi_mode="same_bar"` keeps
the literal one.
"""

from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import model_validator

from strategies.catalog import Bounds, Words
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, problem
from strategies.shape import Number, Part

NAME = Words("오토 스윙", "Auto swing")
DESCRIPTION = Words(
    "단기 EMA가 중기 EMA를 상향 돌파하면 1차, 중기가 장기를 상향 돌파하면 2차로 사고 하향 돌파하면 팝니다. "
    "RSI, ADX, OBV로 거릅니다.",
    "Buys first when the short EMA crosses above the medium one, again when the medium crosses above the long one, and sells "
    "on the way down. Filtered by RSI, ADX and OBV.",
)
ACTIVE_NAME = Words("활발한 스윙", "Active swing")
ACTIVE_DESCRIPTION = Words(
    "RSI 조건이 없고 ADX 기준이 20이라 자주 거래하는 오토 스윙입니다.",
    "The swing rule without RSI and with an ADX threshold of 20: it trades more often.",
)

Step = Literal["first", "second", "exit"]

# Upward EMA(5) x EMA(20) crosses that pass the RSI filter, of all, on decades of five KRX stocks and ten days of BTC.
MEASURED_RSI_PASSES = {"within": (277, 1544), "same_bar": (0, 1544)}

_BOUNDS: dict[str, tuple[Bounds, float]] = {  # and the step of a sweep
    "short_ema": (Bounds(2, 100), 1),
    "medium_ema": (Bounds(3, 200), 1),
    "long_ema": (Bounds(4, 300), 1),
    "rsi_period": (Bounds(2, 100), 1),
    "rsi_threshold": (Bounds(1, 99, whole=False), 1),
    "rsi_window_first": (Bounds(1, 250), 5),
    "rsi_window_second": (Bounds(1, 250), 5),
    "adx_period": (Bounds(2, 100), 1),
    "adx_threshold": (Bounds(0, 99, whole=False), 1),
    "obv_window": (Bounds(1, 250), 5),
    "obv_threshold": (Bounds(-1e12, 1e12, whole=False), 1),
    "stop_loss_rate": (Bounds(0.001, 0.99, whole=False), 0.01),
    "take_profit_rate": (Bounds(0.001, 100, whole=False), 0.01),
    "trailing_stop_rate": (Bounds(0.001, 0.99, whole=False), 0.01),
}


class SwingParameters(Part):
    """What the plan form asks. Periods and windows in bars, rates as fractions, None for a limit that is off.

    `rsi_threshold` is the buying side; selling mirrors it at 100 - threshold. `obv_threshold` counts average bar
    volumes (scaled) or units (raw); left None it is 0 scaled, 1000 raw. Raises DocumentInvalid, the field its path.
    """

    short_ema: int = 5
    medium_ema: int = 20
    long_ema: int = 60
    rsi_period: int = 14
    rsi_threshold: Number = 30
    rsi_mode: Literal["within", "same_bar"] = "within"
    rsi_window_first: int = 20
    rsi_window_second: int = 60
    adx_period: int = 14
    adx_threshold: Number = 25
    obv_mode: Literal["scaled", "raw"] = "scaled"
    obv_window: int = 20
    obv_threshold: Number | None = None
    first_use_rsi: bool = True
    first_use_adx: bool = True
    first_use_obv: bool = True
    second_use_rsi: bool = True
    second_use_adx: bool = True
    second_use_obv: bool = True
    exit_use_rsi: bool = False
    exit_use_adx: bool = False
    exit_use_obv: bool = False
    stop_loss_rate: Number | None = 0.07
    take_profit_rate: Number | None = None
    trailing_stop_rate: Number | None = None

    @model_validator(mode="after")
    def _refuse_what_cannot_trade(self) -> Self:
        problems = [
            problem("out_of_range", name, low=bounds.minimum, high=bounds.maximum)
            for name, (bounds, _) in _BOUNDS.items()
            if (value := getattr(self, name)) is not None and not bounds.minimum <= value <= bounds.maximum
        ]
        problems += [
            problem("not_increasing", high, names=f"{low} < {high}")
            for low, high in pairwise(("short_ema", "medium_ema", "long_ema"))
            if getattr(self, low) >= getattr(self, high)
        ]
        if problems:
            raise DocumentInvalid(problems)
        return self

    def as_data(self) -> dict[str, Any]:
        """Every field, defaults too: what was chosen stays what was chosen when a default changes."""
        return self.model_dump(mode="json")

    def number(self, name: str) -> float | None:
        """The field's number, the OBV threshold's default resolved; None for a limit that is off."""
        if name == "obv_threshold" and self.obv_threshold is None:
            return 1000 if self.obv_mode == "raw" else 0
        value: float | None = getattr(self, name)
        return value

    def uses(self, step: Step, filter_name: str) -> bool:
        """Whether `step` is filtered by "rsi", "adx" or "obv"."""
        return bool(getattr(self, f"{step}_use_{filter_name}"))


DEFAULT_SWING = SwingParameters()
# Trades often enough to watch.
ACTIVE_SWING = SwingParameters(first_use_rsi=False, second_use_rsi=False, adx_threshold=20)


def swing_document(chosen: SwingParameters = DEFAULT_SWING, name: str = "swing") -> RuleDocument:
    """The rule document of the swing plan; its numbers are the document's parameters, so that a sweep can vary them."""
    data = {
        "schema_version": 1,
        "name": name,
        "indicators": {
            **{f"{length}_ema": _indicator("ema", f"{length}_ema") for length in ("short", "medium", "long")},
            "rsi": _indicator("rsi", "rsi_period"),
            "adx": _indicator("adx", "adx_period"),
            "obv": {"kind": "obv"},
        },
        "entries": [
            _entry(chosen, "first", "short_ema", "medium_ema"),
            _entry(chosen, "second", "medium_ema", "long_ema"),
        ],
        "exit": {"all": [_cross("exit", "below", "short_ema", "medium_ema"), *_filters(chosen, "exit")]},
        "risk": {
            rate: {"param": rate}
            for rate in ("stop_loss_rate", "take_profit_rate", "trailing_stop_rate")
            if chosen.number(rate) is not None
        },
        "increasing": [["short_ema", "medium_ema", "long_ema"]],
    }
    return RuleDocument.from_data(_with_used_parameters(data, chosen))


def _with_used_parameters(data: dict[str, Any], chosen: SwingParameters) -> dict[str, Any]:
    """Only what the rule refers to: an indicator or a parameter without effect would mislead whoever sweeps it."""
    used = _named("indicator", [data["entries"], data["exit"]])
    indicators = {alias: spec for alias, spec in data["indicators"].items() if alias in used}
    data = data | {"indicators": indicators}
    used = _named("param", data)
    return data | {"parameters": {name: _parameter(name, chosen) for name in _BOUNDS if name in used}}


def _named(key: str, data: Any) -> set[str]:
    """Every name that stands under `key`, anywhere inside `data`."""
    if isinstance(data, list):
        return {name for each in data for name in _named(key, each)}
    if not isinstance(data, dict):
        return set()
    return {data[key]} if key in data else {name for each in data.values() for name in _named(key, each)}


def _parameter(name: str, chosen: SwingParameters) -> dict[str, Any]:
    bounds, step = _BOUNDS[name]
    return {
        "default": chosen.number(name),
        "minimum": bounds.minimum,
        "maximum": bounds.maximum,
        "step": step,
        "kind": "int" if bounds.whole else "number",
    }


def _indicator(kind: str, period: str) -> dict[str, Any]:
    return {"kind": kind, "params": {"period": {"param": period}}}


def _entry(chosen: SwingParameters, step: Step, fast: str, slow: str) -> dict[str, Any]:
    return {"name": step, "when": {"all": [_cross(step, "above", fast, slow), *_filters(chosen, step)]}}


def _cross(step: str, direction: str, fast: str, slow: str) -> dict[str, Any]:
    kind = f"cross_{direction}"
    return {"label": f"{step}.cross", "kind": kind, "left": {"indicator": fast}, "right": {"indicator": slow}}


def _filters(chosen: SwingParameters, step: Step) -> list[dict[str, Any]]:
    build = {"rsi": _rsi, "adx": _adx, "obv": _obv}
    return [
        {"label": f"{step}.{name}", **condition(chosen, step)}
        for name, condition in build.items()
        if chosen.uses(step, name)
    ]


def _rsi(chosen: SwingParameters, step: Step) -> dict[str, Any]:
    selling = step == "exit"
    threshold = {"param": "rsi_threshold", **({"scale": -1, "offset": 100} if selling else {})}
    if chosen.rsi_mode == "same_bar":
        return {"kind": "compare", "left": {"indicator": "rsi"}, "op": "gt" if selling else "lt", "right": threshold}
    return {
        "kind": "was_above_within" if selling else "was_below_within",
        "series": {"indicator": "rsi"},
        "threshold": threshold,
        "bars": {"param": "rsi_window_second" if step == "second" else "rsi_window_first"},
    }


def _adx(chosen: SwingParameters, step: Step) -> dict[str, Any]:
    return {"kind": "compare", "left": {"indicator": "adx"}, "op": "gt", "right": {"param": "adx_threshold"}}


def _obv(chosen: SwingParameters, step: Step) -> dict[str, Any]:
    selling = step == "exit"
    return {
        "kind": "change",
        "series": {"indicator": "obv"},
        "bars": {"param": "obv_window"},
        "unit": "raw" if chosen.obv_mode == "raw" else "average_volume",
        "op": "lt" if selling else "gt",
        "threshold": {"param": "obv_threshold", **({"scale": -1} if selling else {})},
    }
