"""What trading can refuse, named for what happened. `code` is stable; pages and the API turn it into a sentence."""

from decimal import Decimal


class TradingError(Exception):
    """The base of all refusals. `facts` are the numbers a sentence to the person needs."""

    code = "trading_error"

    def __init__(self, message: str = "", **facts: str | int | Decimal) -> None:
        super().__init__(message or self.code)
        self.facts = facts


class IllegalTransition(TradingError):
    """An order was asked to move where the lifecycle has no way."""

    code = "illegal_transition"

    def __init__(self, state: str, to: str) -> None:
        super().__init__(f"{state} -> {to}", state=state, to=to)


class OrderDenied(TradingError):
    """Our own rules or limits refused the order. The denial is stored with its numbers; `code` says which check."""

    def __init__(self, code: str, **facts: str | int | Decimal) -> None:
        super().__init__(code, **facts)
        self.code = code


class OrderRefused(TradingError):
    """The request itself cannot be an order (bad number, wrong tick, someone else's account): nothing is written."""

    def __init__(self, code: str, **facts: str | int | Decimal) -> None:
        super().__init__(code, **facts)
        self.code = code


class SameKeyOtherRequest(TradingError):
    """This idempotency key was already used for a request with another content; `facts` name what that one made."""

    code = "idempotency_mismatch"


class NotAllowed(TradingError):
    """The person's role does not allow this."""

    code = "not_allowed"


class SecondFactorMissing(TradingError):
    """Real money moves only for those who signed in with a second factor (security.md 6.3.3)."""

    code = "second_factor_required"


class OrderNotOpen(TradingError):
    """A finished order can be neither canceled nor changed."""

    code = "order_not_open"


class BooksDoNotBalance(TradingError):
    """A journal would not sum to zero, or a balance would fall below it. Nothing was booked."""

    code = "books_do_not_balance"


class NoPrice(TradingError):
    """The instrument has no price yet, or only a stale one."""

    code = "no_price"


class PlanRefused(TradingError):
    """The plan cannot be registered or changed like this."""

    def __init__(self, code: str, **facts: str | int | Decimal) -> None:
        super().__init__(code, **facts)
        self.code = code
