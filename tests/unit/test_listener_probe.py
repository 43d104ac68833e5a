"""The worker's listener: a probe that was sent too soon is no reason to stop taking jobs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pgqueuer.errors import FailingListenerError
from pgqueuer.models import HealthCheckEvent
from pgqueuer.types import Channel

from adapters.postgres.jobs import PROBES, Manager

SOON = timedelta(seconds=0.2)


class Line:
    """What is sent before `hears` comes back to nobody."""

    def __init__(self, hears: int) -> None:
        self.hears = hears
        self.sent = 0
        self.manager = Manager(self, Channel("jobs"))  # type: ignore[arg-type] # all that is asked of it here

    async def notify_health_check(self, number: Any) -> None:
        self.sent += 1
        if self.sent >= self.hears:
            event = HealthCheckEvent(
                channel=self.manager.channel,
                sent_at=datetime.now(UTC),
                type="health_check_event",
                id=number,
            )
            asyncio.get_running_loop().call_soon(
                self.manager.pending_health_check[number].set_result, event
            )


@pytest.mark.parametrize("hears", range(1, PROBES + 1))
async def test_a_lost_probe_is_sent_again(hears: int) -> None:
    line = Line(hears)
    assert await line.manager.listener_healthy(SOON) is not None
    assert (line.sent, line.manager.pending_health_check) == (hears, {})


async def test_a_listener_that_hears_nothing_is_given_up_in_time() -> None:
    line = Line(PROBES + 1)
    began = asyncio.get_running_loop().time()
    with pytest.raises(FailingListenerError):
        await line.manager.listener_healthy(SOON)
    assert line.sent == PROBES
    assert asyncio.get_running_loop().time() - began < 2 * SOON.total_seconds() + 1
