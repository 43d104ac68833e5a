"""The secrets that the suite has used so far, and where one of them showed.

Whatever answers, logs, processes and peers say is looked through for them: see `leaks`,
`command` and `guarded`. Needs nothing but Python, for the processes that are small on purpose.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

SHORTEST = 8  # characters; anything shorter stands in a text by chance
LONGEST = 4096  # characters; what is longer is no secret that anybody would take
FEWEST_KINDS = 5  # of characters; a mask and "xxxxxxxx" have fewer
NOWHERE = 0  # a port where nobody listens
MOST_PASSING = 60  # secrets that are looked for besides those of the whole suite: the newest in use


@dataclass(frozen=True)
class Secret:
    """A secret, told of by its name only."""

    name: str
    text: str


@dataclass
class _Known:
    """All of them; the dict is replaced, never changed: a service may run in another thread."""

    needles: dict[bytes, Secret]  # by each way of writing it
    longest: int = 1  # bytes of the longest way


_now = _Known({})
_passing: OrderedDict[str, None] = OrderedDict()  # those that only some tests have
_public: set[str] = set()
_homes: dict[str, set[int | None]] = {}
_found: list[str] = []
_lock = threading.Lock()


def register(name: str, secret: str, *, passing: bool = False) -> str:
    """Look for `secret` from now on; it is told of by its name only.

    `passing`: it is one of many that tests make for themselves, and is forgotten once as many
    others were used after it.
    """
    if len(secret) < SHORTEST:
        raise ValueError(f"{name} is too short to be looked for")
    with _lock:
        if secret in _passing and passing:
            _passing.move_to_end(secret)
        elif secret in _passing:
            del _passing[secret]
        elif secret.encode(errors="replace") not in _now.needles:
            forgotten = _make_room_for(secret) if passing else None
            _replace({each: Secret(name, secret) for each in _written(secret)}, forgotten)
    return secret


def watch(name: str, secret: str, *, home: int | None = NOWHERE) -> None:
    """Look for what was used as a secret, unless it is a word, a mask or shown on purpose.

    `home` is the port that it may be sent to; None: that of any peer.
    """
    if is_one(secret) and not any(secret in text for text in _public):
        register(name, secret, passing=True)
        _homes.setdefault(secret, set()).add(home)


def watch_address(name: str, dsn: str) -> None:
    """Look for the password of a database's address."""
    with suppress(ValueError):  # none that could be used
        watch(name, unquote(urlsplit(dsn).password or ""))


def is_one(text: str) -> bool:
    """Whether it can be looked for without being found by chance."""
    return (
        SHORTEST <= len(text) <= LONGEST and len(set(text)) >= FEWEST_KINDS and not text.isalpha()
    )


def public(*texts: str) -> None:
    """They, and what is part of them, are shown on purpose, though they are sent as secrets."""
    _public.update(texts)


def may_go_to(secret: str, port: int) -> bool:
    """Whether it was given to us for the peer at that port, or for some peer."""
    return bool(_homes.get(secret, set()) & {port, None})


def _make_room_for(secret: str) -> str | None:
    _passing[secret] = None
    return _passing.popitem(last=False)[0] if len(_passing) > MOST_PASSING else None


def _replace(more: dict[bytes, Secret], forgotten: str | None) -> None:
    kept = {each: secret for each, secret in _now.needles.items() if secret.text != forgotten}
    _now.needles = {**kept, **more}
    _now.longest = max(map(len, _now.needles))


def _written(secret: str) -> Iterable[bytes]:
    raw = secret.encode(errors="replace")
    texts = {raw.hex(), quote(raw, safe=""), quote(raw)}
    texts |= {json.dumps(secret, ensure_ascii=each)[1:-1] for each in (True, False)}
    return {raw, *(text.encode(errors="replace") for text in texts)}


def tail(said: bytes) -> bytes:
    """The end of a text that is not over, in which a secret may have begun."""
    return said[-_now.longest :]


def known(said: bytes | str) -> set[Secret]:
    """The secrets that show in a text."""
    text = said if isinstance(said, bytes) else said.encode(errors="replace")
    return {secret for needle, secret in _now.needles.items() if needle in text}


def look(where: str, said: bytes | str) -> None:
    """Remember the secrets that show in a text; the running test fails for them."""
    found(*(f"{secret.name} shows in {where}" for secret in known(said)))


def found(*leaks: str) -> None:
    """Remember leaks; the running test fails for them."""
    _found.extend(leaks)


def taken() -> list[str]:
    """The leaks since it was last asked."""
    leaks, _found[:] = sorted(set(_found)), []
    return leaks


def heard(said: bytes | str, who: str = "a service process") -> None:
    """Look through what a process said."""
    look(f"the output of {who}", said)
