"""The one text of a value: RFC 8785, so that everybody computes the same digest.

msgspec writes it in C; the few values where its order or its freedom differ from RFC 8785 take
the slow way through the reference implementation.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import rfc8785

from domain.errors import Unstorable

_BEYOND_BMP = 0xF0
# 2^53, from where on JSON readers elsewhere may round, has 16 digits. A number follows one of
# these three; the digits of a marker inside a string seldom do, and then care does no harm.
_LONG_NUMBER = re.compile(rb"[:,\[]-?\d{16}")
# Most texts have no 16 digits in a row at all, which is seen in a fifth of the time.
_ANY_DIGIT = bytes(ord("0") if ord("0") <= byte <= ord("9") else 0 for byte in range(256))
_SIXTEEN = b"0" * 16


class Canonical:
    """Writes values, asking `hook` for what JSON has no word for."""

    def __init__(self, hook: Callable[[Any], Any] | None = None) -> None:
        self._hook = hook
        self._encoder = msgspec.json.Encoder(enc_hook=hook, order="sorted")

    def encode(self, value: object) -> bytes:
        """The canonical text; half a surrogate pair, which UTF-8 cannot write, becomes U+FFFD.

        Raises:
            Unstorable: an integer beyond ±(2^53 - 1), a float, or a type JSON cannot hold.
        """
        try:
            text = self._encoder.encode(value)
        except UnicodeEncodeError:
            return self._carefully(value)
        except TypeError as error:
            raise Unstorable(str(error)) from error
        return self._carefully(value) if _needs_care(text) else text

    def _carefully(self, value: object) -> bytes:
        try:
            return rfc8785.dumps(_mended(msgspec.to_builtins(value, enc_hook=self._plain)))
        except (rfc8785.CanonicalizationError, TypeError) as error:
            raise Unstorable(str(error)) from error

    def _plain(self, value: Any) -> Any:
        if isinstance(value, msgspec.Raw):
            return msgspec.json.decode(value)
        if self._hook is None:
            raise TypeError(f"{type(value).__name__} cannot be stored")
        return self._hook(value)


def _needs_care(text: bytes) -> bool:
    """Whether msgspec and RFC 8785 may differ: long integers, or keys beyond the BMP.

    RFC 8785 sorts keys by UTF-16 units, msgspec by code points; only from U+10000 on, which
    UTF-8 begins with a byte from 0xF0 on, is that not the same.
    """
    if not text.isascii() and max(text) >= _BEYOND_BMP:
        return True
    if _SIXTEEN not in text.translate(_ANY_DIGIT):
        return False
    return _LONG_NUMBER.search(text) is not None or text[:16].lstrip(b"-").isdigit()


def without_lone_surrogates(text: str) -> str:
    """`text` as UTF-8 can hold it: pairs joined, halves replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _mended(value: Any) -> Any:
    match value:
        case str():
            return without_lone_surrogates(value)
        case dict():
            return {without_lone_surrogates(k): _mended(v) for k, v in value.items()}
        case list() | tuple():
            return [_mended(v) for v in value]
        case float():
            raise Unstorable("a float; use Decimal")
    return value
