"""What an order would set aside and what forbids it: asked when one is placed, and before, so that a page can say why not."""

from dataclasses import dataclass, replace
from decimal import Decimal

from markets import services as markets
from markets.models import LatestQuote
from markets.services import Moment
from markets.types import Side, market_day
from trading import ledger, risk
from trading.risk import Denial
from trading.services.ledger import books
from trading.services.ledger.books import Held
from trading.services.ordering.asked import Asked, check_rights
from trading.services.ordering.checks import check_plan, check_rules, check_venue, usable_quote, worst_price
from trading.services.safeguards import halts, limits


@dataclass(frozen=True, slots=True)
class Verdict:
    """`needed` of `asset` is set aside at the `worst` price, out of what is `held`; `denial` is what stands against it."""

    worst: Decimal
    asset: str
    needed: Decimal
    held: Held
    denial: Denial | None


def judge(asked: Asked, quote: LatestQuote, present: Moment) -> Verdict:
    """A halt, then a limit, then what the account holds. It binds only under the account's lock."""
    verdict = weigh(asked, quote, present, books.held(asked.broker_account, [asset_of(asked)]))
    forbidden = halts.denial_at_place(asked) or limits.denial_for(asked, quote, present, verdict.worst)
    return replace(verdict, denial=forbidden) if forbidden else verdict


def asset_of(asked: Asked) -> str:
    """What is set aside for it: money to buy with, units to sell."""
    return asked.instrument.currency if asked.side is Side.BUY else asked.instrument.key


def weigh(asked: Asked, quote: LatestQuote, present: Moment, held: Held) -> Verdict:
    """What the order sets aside, and whether what is held of that is enough."""
    rules, on = asked.instrument.rules, market_day(present.at)
    worst = worst_price(rules, asked.side, asked.limit_price, asked.stop_price, quote, on, asked.division)
    needed = risk.to_reserve(rules, asked.side, asked.quantity, worst, on)
    asset = asset_of(asked)
    denial = risk.shortage(asked.side, needed, held.get((ledger.AVAILABLE, asset), Decimal(0)))
    return Verdict(worst, asset, needed, held, denial)


def objection_to(asked: Asked) -> Denial | None:
    """What `place_order` would deny this wish for now, or None. Nothing is locked or written, so the order is asked again.

    Raises what place_order raises, too: NotAllowed and OrderRefused.
    """
    check_rights(asked)
    asked = asked.plain()
    check_venue(asked)
    quote = usable_quote(asked.instrument)
    present = markets.moment(asked.instrument.source)
    check_rules(asked, quote, present)
    check_plan(asked, present)
    return judge(asked, quote, present).denial
