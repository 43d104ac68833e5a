"""Bulk work without the cycle collector looking at all of it again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects made and not yet freed before the collector looks: more than two pages of events with
# all that is made of them, so that they are gone before it does. By default it is 700.
SELDOM = (250_000, 20, 20)
# The same for a service at work: a request makes some hundred objects, and all but a few are
# freed without the collector. A page of 200 rows alone holds 20 000 while it is answered: looking
# at these takes as long as the answer.
SERVING = (50_000, 20, 20)
_usual: list[tuple[int, int, int]] = []


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """For long stretches that make many objects which live for a moment: a quarter of their time.

    The collector stays on, so it may last and others may run meanwhile.
    """
    _usual.append(gc.get_threshold())
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        usual = _usual.pop()
        if not _usual:
            gc.set_threshold(*usual)


def spare_what_stays() -> None:
    """Take all that has been loaded out of the collector's sight, once, when starting is over.

    From then on it looks less often, too.

    Modules and schemas stay until the end; looking through them again stops everything for a
    seventh of a second each time. Source: the documentation of `gc.freeze`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SERVING)
