"""One instrument's rules in the integers of the matching: prices, quantities and money in their smallest units.

What an order costs is what `brokers.virtual.costs` says, reckoned in integers: a test holds one against the other.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np

from brokers.virtual import costs
from brokers.virtual.costs import COSTS
from brokers.virtual.matching import Terms, Ticks, floor_units, from_units, to_units
from markets.bars import FloatArray, IntArray
from markets.dated import period_of, read_json
from markets.rules import DATA
from markets.types import InstrumentRules, Side

RATE_DECIMALS = 18
RATE_UNIT: int = 10**RATE_DECIMALS
SEOUL_SECONDS, DAY_SECONDS = 9 * 3600, 86400
THE_FIRST = date(1970, 1, 1)
TICK_TABLES = DATA / "tick_tables.json"
LARGEST = 2.0**52  # units above which a float64 is not sure of each
UNSURE = 2e-14  # how near, relatively, a float64 may be to a whole number of units without telling which side it is on


@dataclass(frozen=True, slots=True)
class Day:
    """What holds on a Korean calendar day, and on all days up to the next change. Rates in units of 10^-18.

    `buying` and `selling`: the fee and the tax of what was traded, in cash units, each as a multiplier and a divisor;
    `dearest` the same of a buy that may rest into a dearer year. `sizing` is 1 and the commission, as such a pair.
    """

    on: date
    terms: Terms
    buy_commission: int
    buy_tax: int
    sell_commission: int
    sell_tax: int
    sizing_fee: Decimal
    sizing: tuple[int, int]
    buying: tuple[int, int, int, int]
    selling: tuple[int, int, int, int]
    dearest: tuple[int, int, int, int]


class Venue:
    """The rules of an instrument, by day. Raises markets.dated.NoRuleInForce where they are not known."""

    def __init__(self, rules: InstrumentRules, commission: Decimal | None, terms_of: "TermsOf") -> None:
        self.rules = rules
        self.price_scale, self.quantity_scale = 10.0**rules.price_decimals, 10.0**rules.quantity_decimals
        self.cash_scale = 10.0**rules.cash_decimals
        self.lot = to_units(rules.lot, rules.quantity_decimals)
        decimals = rules.price_decimals + rules.quantity_decimals - rules.cash_decimals
        self.more, self.less = _power(-decimals), _power(decimals)
        self._commission, self._terms_of = commission, terms_of
        self._changes = _change_days()
        self._begins = np.array(self._changes, dtype=np.int64) * DAY_SECONDS - SEOUL_SECONDS
        self._days: dict[int, Day] = {}  # one for each period in which nothing changes

    def day(self, epoch: int) -> Day:
        """What holds at an instant, in whole seconds since 1970."""
        number = (epoch + SEOUL_SECONDS) // DAY_SECONDS
        period = bisect_right(self._changes, number)
        return self._days.get(period) or self._new_day(period, number)

    def days(self, epochs: IntArray) -> list[tuple[int, int, Day]]:
        """What holds at each of these instants, in ascending order: (from, to, day) of each stretch of them."""
        if len(epochs) and self.day(epochs.item(0)) is self.day(epochs.item(-1)):
            return [(0, len(epochs), self.day(epochs.item(0)))]
        begins = np.searchsorted(epochs, self._begins).tolist()
        edges = sorted({0, *begins, len(epochs)})
        return [(start, stop, self.day(int(epochs[start]))) for start, stop in pairwise(edges)]

    def down_and_up(self, price: float) -> tuple[int, int]:
        """The units at or below a price of the bars and at or above it: the same where it is a whole number of them.

        A float64 stands for the number of fifteen digits it shows.
        """
        units = round(price * self.price_scale)
        if units / self.price_scale == price:
            return units, units
        down = floor_units(Decimal(f"{price:.15g}"), self.rules.price_decimals)
        exact = from_units(down, self.rules.price_decimals) == Decimal(f"{price:.15g}")
        return down, down if exact else down + 1

    def all_down_and_up(self, prices: FloatArray) -> tuple[IntArray, IntArray]:
        """`down_and_up` of each price; all are below LARGEST units."""
        scaled = prices * self.price_scale
        nearest = np.rint(scaled)
        exact = nearest / self.price_scale == prices
        down = np.where(exact, nearest, np.floor(scaled))
        up = np.where(exact, nearest, down + 1)
        near = np.abs(scaled - nearest) <= UNSURE * scaled
        for place in np.flatnonzero(~exact & near).tolist():
            down[place], up[place] = self.down_and_up(prices.item(place))
        return down.astype(np.int64), up.astype(np.int64)

    def all_volume_units(self, volumes: FloatArray) -> IntArray:
        """`volume_units` of each volume; all are below LARGEST units."""
        scaled = volumes * self.quantity_scale
        units = np.rint(scaled)
        exact = units / self.quantity_scale == volumes
        near = np.abs(scaled - units) <= UNSURE * scaled
        units = np.where(exact, units, np.floor(scaled))
        for place in np.flatnonzero(~exact & near).tolist():
            units[place] = self.volume_units(volumes.item(place))
        return units.astype(np.int64)

    def charged(self, side: Side, traded: int, day: Day) -> tuple[int, int, int]:
        """Amount, fee and tax of an order that filled at once and whole; `traded` is price times quantity."""
        if side is Side.BUY:
            fee, fee_of, tax, tax_of = day.buying
            amount = (traded * self.more + self.less - 1) // self.less
        else:
            fee, fee_of, tax, tax_of = day.selling
            amount = traded * self.more // self.less
        return amount, traded * fee // fee_of, traded * tax // tax_of

    def volume_units(self, volume: float) -> int:
        units = round(volume * self.quantity_scale)
        if units / self.quantity_scale == volume:
            return units
        return floor_units(Decimal(f"{volume:.15g}"), self.rules.quantity_decimals)

    def cash_units(self, amount: Decimal) -> int:
        return to_units(amount, self.rules.cash_decimals)

    def cash(self, units: int) -> Decimal:
        return from_units(units, self.rules.cash_decimals)

    def quantity(self, units: int) -> Decimal:
        return from_units(units, self.rules.quantity_decimals)

    def price(self, units: int) -> Decimal:
        return from_units(units, self.rules.price_decimals)

    def _new_day(self, period: int, number: int) -> Day:
        on = THE_FIRST + timedelta(days=number)
        day = self._days[period] = _day(self.rules, self._commission, self._terms_of, on)
        return day


@dataclass(frozen=True, slots=True)
class TermsOf:
    """The matching's terms of a day, from the setup's part of them."""

    slippage_ticks: int
    participation: tuple[int, int]

    def __call__(self, ticks: Ticks, lot: int) -> Terms:
        return Terms(ticks, lot=lot, slippage_ticks=self.slippage_ticks, participation=self.participation)


class Charging:
    """What one order has been charged so far; `add` says what its next fill adds. Amounts in cash units."""

    __slots__ = ("_amount", "_fee", "_rounding", "_tax", "_venue", "amount", "fee", "tax")

    def __init__(self, venue: Venue, side: Side) -> None:
        self._venue = venue
        self._rounding = venue.less - 1 if side is Side.BUY else 0  # a buy's total up, a sell's down
        self._amount = self._fee = self._tax = 0
        self.amount = self.fee = self.tax = 0

    def add(self, price: int, quantity: int, commission: int, tax: int) -> tuple[int, int, int]:
        """The amount, fee and tax of one more fill."""
        venue, traded = self._venue, price * quantity
        self._amount += traded
        self._fee += traded * commission
        self._tax += traded * tax
        more, less = venue.more, venue.less
        before = self.amount, self.fee, self.tax
        self.amount = (self._amount * more + self._rounding) // less
        self.fee = self._fee * more // (less * RATE_UNIT)
        self.tax = self._tax * more // (less * RATE_UNIT)
        return self.amount - before[0], self.fee - before[1], self.tax - before[2]


@cache
def _change_days() -> list[int]:
    """The days, counted from 1970, on which some tick table or rate begins or has ended."""
    tables = [*read_json(COSTS).values(), *read_json(TICK_TABLES).values()]
    periods = [period_of(row) for table in tables if isinstance(table, list) for row in table]
    begins = {period.first for period in periods} - {date.min}
    ended = {period.last + timedelta(days=1) for period in periods if period.last != date.max}
    return sorted((day - THE_FIRST).days for day in begins | ended)


@lru_cache(maxsize=4096)
def _day(rules: InstrumentRules, commission: Decimal | None, terms_of: TermsOf, on: date) -> Day:
    buy = costs.rates(rules, Side.BUY, on, commission=commission)
    sell = costs.rates(rules, Side.SELL, on, commission=commission)
    highest = costs.highest_rates(rules, Side.BUY, on, commission=commission)
    decimals = rules.price_decimals + rules.quantity_decimals - rules.cash_decimals
    return Day(
        on=on,
        terms=terms_of(Ticks.of(rules, on), to_units(rules.lot, rules.quantity_decimals)),
        buy_commission=_rate_units(buy.commission),
        buy_tax=_rate_units(buy.tax),
        sell_commission=_rate_units(sell.commission),
        sell_tax=_rate_units(sell.tax),
        sizing_fee=buy.commission,
        sizing=(1 + Fraction(buy.commission)).as_integer_ratio(),
        buying=_parts(buy, decimals),
        selling=_parts(sell, decimals),
        dearest=_parts(highest, decimals),
    )


def _parts(rates: costs.Rates, decimals: int) -> tuple[int, int, int, int]:
    fee, tax = (Fraction(rate) * _power(-decimals) / _power(decimals) for rate in (rates.commission, rates.tax))
    return fee.numerator, fee.denominator, tax.numerator, tax.denominator


def _power(decimals: int) -> int:
    return int(10 ** max(0, decimals))


def _rate_units(rate: Decimal) -> int:
    units = Fraction(rate) * RATE_UNIT
    if units.denominator != 1:
        raise ValueError(f"a rate of {rate} is finer than {RATE_DECIMALS} decimals")
    return units.numerator
