"""Price arithmetic of the Korean market as the reference gives it: ticks, daily limits, signs and rates. Whole won."""

from decimal import ROUND_HALF_UP, Decimal

_STOCK = ((500_000, 1_000), (200_000, 500), (50_000, 100), (20_000, 50), (5_000, 10), (2_000, 5), (0, 1))
_FUND = ((2_000, 5), (0, 1))


def tick(price: int, *, is_fund: bool = False) -> int:
    return next(step for start, step in (_FUND if is_fund else _STOCK) if price >= start)


def limits(base: int, *, is_fund: bool = False) -> tuple[int, int, int]:
    """Lower limit, upper limit, width: 30 % of the base, cut to the base's tick."""
    step = tick(base, is_fund=is_fund)
    width = base * 30 // 100 // step * step
    return base - width, base + width, width


def sign(price: int, against: int, low: int = 0, high: int = 0) -> str:
    """1 upper limit, 2 up, 3 flat, 4 lower limit, 5 down."""
    if high and price >= high:
        return "1"
    if low and price <= low:
        return "4"
    return "2" if price > against else "5" if price < against else "3"


def rate(part: int, whole: int, places: int = 2, scale: int = 100) -> str:
    """`part` of `whole`, in percent unless `scale` says otherwise."""
    if not whole:
        return f"{Decimal(0):.{places}f}"
    exact = Decimal(part) * scale / Decimal(whole)
    return str(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
