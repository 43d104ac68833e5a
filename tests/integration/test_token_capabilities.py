"""What a Kimai token can and cannot do is told before anything is saved."""

import pytest

from adapters.sandbox.kimai import create_kimai_app
from api.peers import Peers
from tests.integration.test_refusals_of_kimai import ADMIN, AGENT, LEAD, already_there, house
from tests.support.guarded import running


@pytest.mark.parametrize(
    ("token", "others", "people", "past_locks"),
    [(ADMIN, True, True, True), (LEAD, True, False, False), (AGENT, False, False, False)],
)
async def test_the_role_of_a_token_decides(
    token: str, others: bool, people: bool, past_locks: bool
) -> None:
    async with running(create_kimai_app(house())) as url:
        verdict = await Peers().tried("kimai", url, token)
    can = verdict.capabilities
    assert can is not None
    assert (can.books_for_others, can.lists_people, can.past_locks) == (others, people, past_locks)
    assert (verdict.missing_permissions == []) is others
    assert any("own user only" in text for text in verdict.warnings) is not others
    assert any("does not stop this token" in text for text in verdict.warnings) is past_locks
    assert can.sees_exported is None


async def test_a_record_tells_whether_exported_is_shown() -> None:
    state = house()
    already_there(state)
    async with running(create_kimai_app(state)) as url:
        verdict = await Peers().tried("kimai", url, ADMIN)
    assert verdict.capabilities is not None
    assert verdict.capabilities.sees_exported is True


@pytest.mark.parametrize(("token", "sends"), [(LEAD, True), (AGENT, False)])
async def test_the_tracking_mode_may_forbid_to_send_times(token: str, sends: bool) -> None:
    state = house()
    state.settings.change({"timesheet.mode": "punch"})
    async with running(create_kimai_app(state)) as url:
        verdict = await Peers().tried("kimai", url, token)
    assert verdict.capabilities is not None
    assert verdict.capabilities.tracking_mode == "punch"
    assert verdict.capabilities.sends_times is sends
    assert any("tracking mode punch" in text for text in verdict.warnings) is not sends
