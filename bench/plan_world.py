"""The plans, people and bars of `make bench-plans`: those of ../shared/bench/plans.py, written into a database."""

import importlib.util
import sys
import types
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

PLANS, USERS, INSTRUMENTS = 10_000, 500, 500
HOURS = 16  # that can be played
START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEER = Path(__file__).resolve().parents[2] / "shared" / "bench" / "plans.py"


def peer() -> Any:
    """../shared/bench/plans.py as a module; its compiled variants are not asked for, so numba need not be there."""
    if not PEER.is_file():
        sys.exit(f"bench-plans needs {PEER}, the way it is measured against")
    compiled = types.ModuleType("numba")
    compiled.njit = lambda *given, **_options: given[0] if given else (lambda function: function)  # type: ignore[attr-defined]
    compiled.prange = range  # type: ignore[attr-defined]
    for name, module in (("numba", compiled), ("bt_numba", types.ModuleType("bt_numba"))):
        sys.modules.setdefault(name, module)
    spec = importlib.util.spec_from_file_location("peer_plans", PEER)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class World:
    """The bars and the plans' numbers, the same in every process: made from one seed."""

    def __init__(self) -> None:
        import numpy as np

        from strategies.catalog.warm_up import ema

        self.peer = peer()
        self.begun = ema({"period": 119}) + 10  # bars closed before the first hour: what the longest average declares
        count = self.begun + HOURS
        asked = Namespace(plans=PLANS, instruments=INSTRUMENTS, bars=count, presets=12, preset_share=0.8)
        self.candles, self.plans = self.peer.make(asked, np.random.default_rng(5))
        self.candles[:, :4] *= 1000  # prices of some hundred thousand won
        self._share_thresholds()

    def _share_thresholds(self) -> None:
        """Who takes a preset takes its thresholds, too: one rule."""
        keys = self.plans[["ef", "es", "rn", "an"]]
        first: dict[Any, Any] = {}
        for place, key in enumerate(keys.tolist()):
            chosen = first.setdefault(key, place)
            self.plans["rmax"][place], self.plans["amin"][place] = (
                self.plans["rmax"][chosen],
                self.plans["amin"][chosen],
            )

    def distinct(self) -> int:
        import numpy as np

        return len(np.unique(self.plans[["ins", "ef", "es", "rn", "an"]]))

    def bars(self, instrument: int, until: int) -> Any:
        import numpy as np

        from markets.bars import Bars

        opened = int(START.timestamp()) + 3600 * np.arange(until, dtype=np.int64)
        columns = (np.ascontiguousarray(row[:until]) for row in self.candles[instrument])
        return Bars(opened, opened + 3600, *columns)


def document(numbers: Any) -> Any:
    """The peer's rule: stage one, stage two, out. (Its third stage is a step that plans here do not have.)"""
    from strategies.document import RuleDocument

    def held(left: Any, op: str, right: Any) -> dict[str, Any]:
        return {"kind": "compare", "left": left, "op": op, "right": right}

    def number(value: float) -> dict[str, float]:
        return {"number": float(value)}

    fast, slow, rsi, adx = ({"indicator": name} for name in ("fast", "slow", "rsi", "adx"))
    rising = {"series": {"indicator": "obv"}, "bars": 5, "unit": "raw", "op": "gt", "threshold": number(0)}
    entry = [
        held(fast, "gt", slow),
        {"kind": "change", **rising},
        held(adx, "ge", number(numbers["amin"])),
        held(rsi, "lt", number(numbers["rmax"])),
    ]
    second = [*entry, held({"column": "close"}, "gt", fast)]

    def indicator(kind: str, period: Any) -> dict[str, Any]:
        return {"kind": kind, "params": {"period": int(period)}}

    return RuleDocument.from_data(
        {
            "schema_version": 1,
            "name": "peer",
            "indicators": {
                "fast": indicator("ema", numbers["ef"]),
                "slow": indicator("ema", numbers["es"]),
                "rsi": indicator("rsi", numbers["rn"]),
                "adx": indicator("adx", numbers["an"]),
                "obv": {"kind": "obv"},
            },
            "entries": [{"name": "first", "when": {"all": entry}}, {"name": "second", "when": {"all": second}}],
            "exit": {"any": [held(fast, "lt", slow), held(rsi, "gt", number(85))]},
        }
    )


def steady_signals(world: World) -> list[int]:
    """Where each plan stands: at the peer's stage, or the next at which the bar before gave it nothing to do.

    A plan that should have bought hours ago would have; only what the last bar has changed asks for an order.
    """
    from strategies.compiler import Evaluator, Sight, compile_document
    from strategies.indicators import Frame

    rules: dict[Any, Evaluator] = {}
    sights: dict[int, Sight] = {}
    signals = []
    for numbers in world.plans:
        key, what = numbers[["ef", "es", "rn", "an"]].tolist(), int(numbers["ins"])
        if key not in rules:
            rules[key] = compile_document(document(numbers))
        if what not in sights:
            sights[what] = Sight(Frame(world.bars(what, world.begun)), world.begun - 1)
        seen = rules[key].see(sights[what])
        first, second = (entry.passed for entry in seen.entries)
        idle = {0: not first or seen.exit, 1: not second and not seen.exit, 2: not seen.exit, 3: True}
        signals.append(next(signal for signal in (int(numbers["stage"]), 1, 2, 0, 3) if idle[signal]))
    return signals


def prepare(world: World) -> str:
    """A fresh database with people, money, bars and plans as they stand after the hour before; its name."""
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    instruments = _instruments(world)
    _first_bars(world, [each.pk for each in instruments])
    _plans(world, instruments)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return name


def twin_of(name: str) -> str:
    """A copy of the database, byte for byte; its name."""
    from django.db import connection

    twin = f"{name}_twin"
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{twin}"')
        cursor.execute(f'CREATE DATABASE "{twin}" TEMPLATE "{name}"')
    return twin


def look_into(name: str) -> None:
    """Let this process read and write the database of this name."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def drop(twin: str, name: str) -> None:
    """The twin goes; this process is with the first again."""
    from django.db import connection

    look_into(name)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{twin}"')


def _instruments(world: World) -> list[Any]:
    from django.utils import timezone

    from markets.models import Instrument, LatestQuote, PriceFeed
    from tests import factories as make

    first = make.make_instrument("100000")
    same = {
        f.attname: getattr(first, f.attname) for f in Instrument._meta.concrete_fields if f.name not in {"id", "symbol"}
    }
    others = [Instrument(symbol=str(100_000 + number), **same) for number in range(1, INSTRUMENTS)]
    instruments = [first, *Instrument.objects.bulk_create(others)]
    price = Decimal(100_000)
    quoted = {"source": "simulator", "at": START, "received_at": timezone.now() + timedelta(hours=9)}
    LatestQuote.objects.bulk_create(
        [
            LatestQuote(instrument=each, price=price, bid=price, ask=price, base_price=price, day_volume=1, **quoted)
            for each in instruments
        ]
    )
    PriceFeed.objects.create(source="simulator", market_time=START, heartbeat_at=timezone.now())
    return instruments


def _first_bars(world: World, keys: list[int]) -> None:
    from django.db import connection

    columns = "instrument_id, interval, source, opened_at, closed_at, open, high, low, close, volume"
    for number, key in enumerate(keys):  # each in a statement of its own: a busy machine has its time-out, too
        with connection.cursor() as cursor, cursor.copy(f"COPY markets_storedbar ({columns}) FROM STDIN") as copy:
            copy.write("".join(_lines(world, number, key, 0, world.begun)))
    close_hours(world, world.begun)


def _lines(world: World, number: int, key: int, start: int, stop: int) -> Iterator[str]:
    opened = int(START.timestamp())
    for place in range(start, stop):
        prices = "\t".join(repr(float(value)) for value in world.candles[number, :, place])
        at = opened + 3600 * place
        yield f"{key}\t1h\tsimulator\t{at}\t{at + 3600}\t{prices}\n"


def close_hours(world: World, count: int) -> None:
    """Let the market's clock stand where `count` bars have closed."""
    from markets.models import PriceFeed

    PriceFeed.objects.update(market_time=START + count * HOUR)


def close_bar(world: World, place: int) -> None:
    """Close one more bar of every instrument."""
    from django.db import connection

    from markets.models import Instrument

    keys = list(Instrument.objects.order_by("symbol").values_list("pk", flat=True))
    columns = "instrument_id, interval, source, opened_at, closed_at, open, high, low, close, volume"
    with connection.cursor() as cursor, cursor.copy(f"COPY markets_storedbar ({columns}) FROM STDIN") as copy:
        for number, key in enumerate(keys):
            copy.write("".join(_lines(world, number, key, place, place + 1)))
    close_hours(world, place + 1)


def _plans(world: World, instruments: list[Any]) -> None:
    from accounts.models import User
    from brokers.models import BrokerAccount
    from strategies.models import Strategy, StrategyVersion
    from trading.models import Balance, SwingPlan

    users = User.objects.bulk_create([User(email=f"person{n}@example.com") for n in range(USERS)])
    accounts = BrokerAccount.objects.bulk_create(
        [BrokerAccount(user=user, name="모의", broker="virtual", environment="virtual") for user in users]
    )
    signals = steady_signals(world)
    documents = {}
    versions: dict[tuple[int, Any], Any] = {}
    strategies: list[Strategy] = []
    kept, plans = [], []
    units: dict[tuple[int, int], Decimal] = {}
    now = START + (world.begun) * HOUR
    for place, numbers in enumerate(world.plans):
        who, what = place % USERS, int(numbers["ins"])
        key = tuple(numbers[["ef", "es", "rn", "an"]])
        if key not in documents:
            rule = document(numbers)
            documents[key] = rule.as_data(), rule.version_hash()
        if (who, key) not in versions:
            data, digest = documents[key]
            strategies.append(Strategy(user=users[who], name=f"rule {len(strategies)}"))
            versions[who, key] = StrategyVersion(strategy=strategies[-1], number=1, document=data, version_hash=digest)
            kept.append(versions[who, key])
        close = Decimal(round(world.candles[what, 3, world.begun - 1]))
        signal = signals[place]
        held = Decimal(10) if signal in {1, 2} else Decimal(0)
        units[who, what] = units.get((who, what), Decimal(0)) + held
        plans.append(
            SwingPlan(
                user=users[who],
                broker_account=accounts[who],
                instrument=instruments[what],
                strategy_version=versions[who, key],
                name=f"plan {place}",
                client_key=f"plan {place}",
                interval="1h",
                budget=Decimal(5_000_000),
                signal=signal,
                held_quantity=held,
                held_cost=held * close,
                peak_close=close if held else None,
                cooldown_left=100 if signal == 3 else 0,
                watches_from=now,
                decided_until=now,
            )
        )
    Strategy.objects.bulk_create(strategies, batch_size=1000)
    StrategyVersion.objects.bulk_create(kept, batch_size=1000)
    SwingPlan.objects.bulk_create(plans, batch_size=1000)
    cash = [Balance(broker_account=each, bucket="available", asset="KRW", amount=Decimal(10**12)) for each in accounts]
    stock = [
        Balance(broker_account=accounts[who], bucket="available", asset=instruments[what].key, amount=amount)
        for (who, what), amount in units.items()
    ]
    Balance.objects.bulk_create([*cash, *stock], batch_size=1000)
