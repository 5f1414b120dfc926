"""Numbers in a picture: on an axis, and intervals behind their value."""

from caudal.service.reports.language import Language


def bracketed(interval: str) -> str:
    """Return an interval in brackets that stays in one line."""
    return f"[{interval}]".replace(" ", "\u00a0")


def tick(language: Language, sign: str, number: float) -> str:
    """Return a number of an axis with as many decimals as it has, and the sign of its unit."""
    decimals = next(
        (d for d in range(9) if abs(round(number, d) - number) <= 1e-9 * max(1.0, abs(number))), 9
    )
    return language.number(number, decimals) + sign
