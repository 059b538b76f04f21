"""Rule documents drawn at random: every word of the form, mostly well put; and the same with one thing spoilt."""

from typing import Any

from hypothesis import strategies as st

from strategies.candles import PATTERNS
from strategies.catalog import INDICATORS, Bounds

ALIASES = ("a", "b", "c")
PARAMETERS = ("p", "q")


def numbers_in(bounds: Bounds) -> st.SearchStrategy[float]:
    if bounds.whole:
        return st.integers(int(bounds.minimum), min(int(bounds.maximum), 60))
    return st.floats(bounds.minimum, bounds.maximum).map(lambda number: round(number, 3))


@st.composite
def indicators(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(INDICATORS)))
    params = {name: draw(numbers_in(bounds)) for name, bounds in INDICATORS[kind].params.items()}
    params |= dict(zip(INDICATORS[kind].increasing, (5, 9, 17), strict=False))
    spec: dict[str, Any] = {"kind": kind, "params": params}
    if INDICATORS[kind].takes_source and draw(st.booleans()):
        spec["source"] = draw(st.sampled_from(["open", "high", "low", "close", "volume"]))
    return spec


levels = st.one_of(
    st.builds(lambda number: {"number": number}, st.integers(-100, 200) | st.floats(-1e15, 1e15)),
    st.builds(
        lambda name, scale: {"param": name, "scale": scale}, st.sampled_from(PARAMETERS), st.sampled_from([1, -1, 0.5])
    ),
)


def series(aliases: dict[str, Any], totals: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """A column or an output of the aliases; running totals only where `totals` may be asked for."""
    usable = {alias: INDICATORS[spec["kind"]] for alias, spec in aliases.items()}
    outputs = [
        {"indicator": alias, "output": output}
        for alias, kind in usable.items()
        for output in kind.outputs
        if totals or not kind.cumulative
    ]
    columns = [{"column": name} for name in ("open", "high", "low", "close", "volume", "range")]
    shape = st.fixed_dictionaries(
        {},
        optional={
            "scale": st.sampled_from([0, 0.9, 2, -1, {"param": "q"}]),
            "offset": st.integers(-5, 5),
            "ago": st.integers(0, 9),
        },
    )
    return st.builds(lambda what, how: {**what, **how}, st.sampled_from([*columns, *outputs]), shape)


def conditions(aliases: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    line, bars = series(aliases), st.integers(1, 30) | st.just({"param": "p"})
    side = line | levels
    operator = st.sampled_from(["gt", "ge", "lt", "le", "eq", "ne"])
    return st.one_of(
        st.fixed_dictionaries({"kind": st.just("compare"), "left": line, "op": operator, "right": side}),
        st.fixed_dictionaries({"kind": st.sampled_from(["cross_above", "cross_below"]), "left": side, "right": line}),
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["was_below_within", "was_above_within"]),
                "series": line,
                "threshold": side,
                "bars": bars,
            }
        ),
        st.fixed_dictionaries({"kind": st.just("between"), "series": line, "low": line, "high": levels}),
        st.fixed_dictionaries(
            {
                "kind": st.just("change"),
                "series": series(aliases, totals=True),
                "bars": bars,
                "unit": st.sampled_from(["raw", "average_volume"]),
                "op": operator,
                "threshold": levels,
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("candle"),
                "pattern": st.sampled_from(sorted(PATTERNS)),
                "signal": st.sampled_from(["bullish", "bearish", "detected"]),
            }
        ),
    )


def groups(aliases: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    def join(members: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        lists = st.lists(members, min_size=1, max_size=3)
        return lists.map(lambda each: {"all": each}) | lists.map(lambda each: {"any": each})

    return join(st.recursive(conditions(aliases), join, max_leaves=5))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Plain data, not yet read: perhaps a document, perhaps one that is refused."""
    aliases = {alias: draw(indicators()) for alias in draw(st.sets(st.sampled_from(ALIASES), max_size=3))}
    prices = series({}).filter(lambda level: level["column"] != "volume")
    stops = st.fixed_dictionaries({"level": prices}, optional={"above_open": st.booleans()})
    entry = st.fixed_dictionaries({"when": groups(aliases)}, optional={"stop": stops})
    entries = draw(st.lists(entry, min_size=1, max_size=2))
    rates = st.floats(0.001, 0.99)
    risk = st.fixed_dictionaries(
        {},
        optional={
            "stop_loss_rate": rates,
            "take_profit_rate": rates,
            "trailing_stop_rate": rates,
            "time_stop_bars": st.integers(1, 20),
            "max_position_rate": rates,
        },
    )
    number = {"minimum": 1, "maximum": 30, "step": 1}
    return {
        "schema_version": 1,
        "name": "drawn",
        "indicators": aliases,
        "parameters": {
            "p": {"default": draw(st.integers(1, 30)), "kind": "int", **number},
            "q": {"default": draw(st.floats(1, 30)), "kind": "number", **number},
        },
        "entries": [{"name": f"step_{n}", **each} for n, each in enumerate(entries)],
        "exit": draw(groups(aliases) | st.just({"risk_only": True})),
        "risk": draw(risk),
    }


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "close", -1, 0.5, 1e300, float("nan"), float("inf"), [], {}, {"param": "q"}]
)


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A document with one of its values, anywhere, replaced by something else."""
    data = draw(documents())
    holder: Any = data
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw(st.integers(0, 9)) == 0:
            holder[key] = draw(JUNK)
            return data
        holder = holder[key]
