"""Durations as Kimai reads and prints them. Source: src/Utils/Duration.php."""

import re

_COLON = re.compile(r"(-?)(\d+):(\d{1,2})(?::(\d{1,2}))?")
_NATURAL = re.compile(r"(?:(\d+)\s*h)?\s*(?:(\d+)\s*m)?\s*(?:(\d+)\s*s)?", re.IGNORECASE)
_DECIMAL = re.compile(r"-?\d+(?:[.,]\d+)?")


def parse(text: str) -> int | None:
    """Seconds of `0:30`, `1h30m`, `1800s`; a bare number counts hours. None: not a duration."""
    text = text.strip()
    if match := _COLON.fullmatch(text):
        sign, hours, minutes, seconds = match.groups()
        if int(minutes) > 59 or int(seconds or 0) > 59:  # noqa: PLR2004  an hour's and a minute's end
            return None
        total = int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
        return -total if sign else total
    if _DECIMAL.fullmatch(text):
        return int(float(text.replace(",", ".")) * 3600)
    match = _NATURAL.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def hours_minutes(seconds: int) -> str:
    """`8:00`: hours without leading zero, minutes with."""
    sign = "-" if seconds < 0 else ""
    return f"{sign}{abs(seconds) // 3600}:{abs(seconds) % 3600 // 60:02d}"


_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def money(amount: float, currency: str, language: str) -> str:
    """An amount as Kimai's LocaleFormatter prints it: `€1,234.50`, in German `1.234,50 €`."""
    symbol = _SYMBOLS.get(currency, currency)
    text = f"{amount:,.2f}"
    if language.startswith("de"):
        swapped = text.translate(str.maketrans(",.", ".,"))
        return f"{swapped}\u00a0{symbol}"
    return f"{symbol}{text}" if symbol != currency else f"{currency}\u00a0{text}"
