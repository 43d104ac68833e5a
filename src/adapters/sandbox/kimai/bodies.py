"""Request bodies as Kimai's forms see them: everything is text, null, or a nested map of these.

Source: config/packages/fos_rest.yaml, FOSRestBundle `JsonToFormDecoder` and `CamelKeysNormalizer`.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from adapters.sandbox.kimai.problems import bad_request

Submitted = dict[str, Any]  # values: str, None, or Submitted
_JSON = {"application/json", "application/x-json"}
_FORM = "application/x-www-form-urlencoded"
_SNAKE = re.compile(r"_([a-zA-Z0-9])")
_EXACT_FLOAT = 1e15  # PHP prints larger floats with an exponent


def decode(content_type: str | None, body: bytes) -> Submitted:
    """The submitted fields; a body of any other content type is dropped, as Kimai does.

    Raises:
        Problem: 400 for JSON that is broken, no object or array, or names a key twice.
    """
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    if kind == _FORM:
        return _form(body)
    if kind not in _JSON or body in {b"", b"0"}:
        return {}
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request() from error
    if not isinstance(decoded, dict | list):
        raise bad_request()
    return _camel(_as_form(decoded))


def _as_form(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_form(item) for key, item in value.items()}
    if isinstance(value, list):
        return {str(index): _as_form(item) for index, item in enumerate(value)}
    if value is False:
        return None
    return _text(value)


def _text(value: Any) -> str:
    """PHP's `strval`."""
    if value is None:
        return ""
    if value is True:
        return "1"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOAT:
        return str(int(value))
    return str(value)


def _camel(value: Submitted) -> Submitted:
    result: Submitted = {}
    for key, item in value.items():
        name = _SNAKE.sub(lambda match: match[1].upper(), key)
        if name in result or (name != key and name in value):
            raise bad_request()
        result[name] = _camel(item) if isinstance(item, dict) else item
    return result


def _form(body: bytes) -> Submitted:
    result: Submitted = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        put_bracketed(result, name, value)
    return result


def put_bracketed(into: Submitted, name: str, value: str) -> None:
    """Store `a[]=1` and `a[b]=1` as PHP's `parse_str` would."""
    base, bracket, rest = name.partition("[")
    if not bracket or "]" not in rest:
        into[name.replace(".", "_").replace(" ", "_")] = value
        return
    nested = into.get(base)
    if not isinstance(nested, dict):
        nested = into[base] = {}
    key, _, deeper = rest.partition("]")
    key = key or str(len(nested))
    if deeper.startswith("["):
        put_bracketed(nested, key + deeper, value)
    else:
        nested[key] = value
