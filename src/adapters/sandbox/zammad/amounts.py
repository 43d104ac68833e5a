"""Decimals as Rails casts, stores and prints them. Source: peers/zammad.md §2.2."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

LIMIT = Decimal("9999.99")  # decimal(6,2)
_CENT = Decimal("0.01")
_LEADING = re.compile(r"\s*([+-]?\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d{1,3})?)")


def cast(value: Any) -> Decimal | None:
    """What a decimal(6,2) column makes of a request's value.

    The leading number of a text counts, junk is 0, an empty text is null: `"1,5"` becomes 1 and
    `"abc"` becomes 0 (derived from `String#to_d`).
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return Decimal(int(value))
    text = str(value) if isinstance(value, (int, float)) else value
    if not isinstance(text, str):
        return Decimal(0)
    match = _LEADING.match(text)
    number = Decimal(match[1].replace("_", "")) if match else Decimal(0)
    if abs(number) > LIMIT + 1:
        return number  # too large for the column whatever its cents
    return number.quantize(_CENT, ROUND_HALF_UP)


def cents(text: str) -> int:
    """A stored amount as a whole number of hundredths."""
    return int(Decimal(text).scaleb(2))


def shown(amount: Decimal) -> str:
    """A decimal as JSON carries it: `"15.0"`, `"0.25"`, `"-100.0"`."""
    text = f"{amount:.2f}"
    text = text.removesuffix("0")
    return "0.0" if text == "-0.0" else text
