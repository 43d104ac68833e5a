"""Request parameters as Rails reads them: path over body over query, brackets as nesting."""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from adapters.sandbox.zammad.errors import BadRequest

Params = dict[str, Any]

_BRACKET = re.compile(r"\[([^\]]*)\]")


def of_request(query: str, body: bytes, content_type: str) -> Params:
    """Query and body merged; the body wins.

    Raises:
        BadRequest: the body claims to be JSON and is not.
    """
    params = nested(query)
    if not body:
        return params
    if "json" in content_type:
        try:
            found = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise BadRequest("Error occurred while parsing request parameters") from error
        params |= found if isinstance(found, dict) else {"_json": found}
    elif "x-www-form-urlencoded" in content_type:
        params |= nested(body.decode("utf-8", "replace"))
    return params


def nested(query: str) -> Params:
    """`a[b][c]=1&d[]=2` as `{"a": {"b": {"c": "1"}}, "d": ["2"]}`."""
    found: Params = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if "[" not in key:
            found[key] = value
            continue
        head = key[: key.index("[")]
        _put(found, [head, *_BRACKET.findall(key)], value)
    return found


def _put(into: Params, keys: list[str], value: str) -> None:
    here: Any = into
    for key, following in pairwise(keys):
        fresh: Any = [] if following == "" else {}
        here = here.setdefault(key, fresh)
        if not isinstance(here, (dict, list)):
            raise BadRequest(f"expected nesting below '{key}'")
    if isinstance(here, list):
        here.append(value)
    else:
        here[keys[-1]] = value


def is_true(value: Any) -> bool:
    """Whether an option such as `expand` is on."""
    return value is True or value in ("true", "1") or (value == 1 and value is not False)
