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

# Beyond the Basic Multilingual Plane keys sort by UTF-16 units, not by code points; and a run of
# sixteen digits may be an integer that JSON readers elsewhere would round (2^53 has sixteen).
_NEEDS_CARE = re.compile(rb"[\xf0-\xf4]|\d{16}")


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
        return self._carefully(value) if _NEEDS_CARE.search(text) else text

    def _carefully(self, value: object) -> bytes:
        plain = msgspec.to_builtins(value, enc_hook=self._hook)
        try:
            return rfc8785.dumps(_mended(plain))
        except rfc8785.CanonicalizationError as error:
            raise Unstorable(str(error)) from error


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
