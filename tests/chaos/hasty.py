"""`timeledger`, but a service that waits `HURRY` times shorter: for peers, locks and other tries.

All else is the program that people run: the same wiring, its own process, a real database. A
request that may still land is waited for in full (`limit_for`).
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.peer_http import Patience
from api import cli, running
from api.logs import configure
from api.peers import Peers
from api.settings import load_settings
from api.wiring import Manner
from domain.flow.breaker import BreakerRules

HURRY = 10
USUAL = Patience()
# The sandboxes answer within 0.4 s, however they misbehave; a busy machine needs more.
SOON = Patience(
    connect=USUAL.connect,
    request=USUAL.request / HURRY,
    attempts=USUAL.attempts,
    total=USUAL.total / HURRY,
    first_wait=USUAL.first_wait / HURRY,
    longest_wait=USUAL.longest_wait / HURRY,
    jitter=USUAL.jitter / HURRY,
)
RULES = BreakerRules()
LOCK_RETRY = timedelta(seconds=0.2)


def limit_for(seconds: float) -> float:
    """What to set as `KIMAI_REQUEST_LIMIT_SECONDS` so that so many real seconds are waited.

    What has passed already counts less than it should, so it may be more, never less.
    """
    return seconds * HURRY


class HastyClock:
    """The machine's time, and shorter waits."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)


class HastyPeers(Peers):
    """Clients that soon lose patience."""

    breaker = BreakerRules(
        pause=RULES.pause / HURRY,
        longest=RULES.longest / HURRY,
        probe=RULES.probe / HURRY,
        again=RULES.again / HURRY,
    )

    def zammad(self, base_url: str, token: str, **more: Any) -> Any:
        return super().zammad(base_url, token, **{**more, "patience": SOON})

    def kimai(self, base_url: str, token: str, **more: Any) -> Any:
        return super().kimai(base_url, token, **{**more, "patience": SOON})


def main() -> None:
    """`serve` in haste, or any other command as it is."""
    if sys.argv[1:] != ["serve"]:
        cli.main()
        return
    settings = load_settings(port=int(os.environ["PORT"]))
    configure(settings.log_level)
    manner = Manner(clock=HastyClock(), peers=HastyPeers(), lock_retry=LOCK_RETRY)
    with asyncio.Runner(loop_factory=cli.loop_factory()) as runner:
        runner.run(running.serve(settings, manner))


if __name__ == "__main__":
    main()
