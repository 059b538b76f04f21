"""What a backtest refuses, named for what happened. A refused run has no result, not half of one."""


class BacktestRefused(ValueError):
    """The run cannot be made. `code` is stable; `facts` are what a sentence to the person needs."""

    def __init__(self, code: str, **facts: str | int | float) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code, self.facts = code, facts


class BarsRefused(BacktestRefused):
    """The bars are no market: none, out of order, twice the same time, or not positive numbers."""


class SetupRefused(BacktestRefused):
    """The setup asks for what cannot be, such as trading without cash."""
