"""The sandbox's state on disk: what a restart, a kill and a damaged file leave."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.sandbox.zammad import ZammadState
from adapters.sandbox.zammad.journal import FILE
from tests.support.zammad_world import Company, stored


def test_a_state_on_disk_is_the_same_after_a_restart(tmp_path: Path) -> None:
    company = Company(folder=tmp_path)
    state = company.state
    state.add_article(1, "Ümläut", time_unit="0.75")
    state.book(1, "1")
    state.correct(2, time_unit="-3")
    state.delete_entry(2)
    before = stored(state)
    assert state.fresh
    state.close()
    again = ZammadState(folder=tmp_path)
    assert not again.fresh
    assert stored(again) == before
    assert again.book(1, "1").id == 3  # ids are not reused, not even after a restart
    again.close()
    third = ZammadState(folder=tmp_path)
    assert [entry.id for entry in third.entries] == [1, 3]
    third.close()


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    company = Company(folder=tmp_path)
    company.state.book(1, "1")
    company.state.close()
    before = stored(company.state)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'[["entries",2,{"id":2,"ticket')
    again = ZammadState(folder=tmp_path)
    assert stored(again) == before
    again.close()


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    Company(folder=tmp_path).state.close()
    path = tmp_path / FILE
    lines = path.read_bytes().split(b"\n")
    lines[3] = b"{"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(ValueError, match="line 4 is damaged"):
        ZammadState(folder=tmp_path)


def test_a_half_written_snapshot_is_not_used(tmp_path: Path) -> None:
    company = Company(folder=tmp_path)
    company.state.close()
    (tmp_path / FILE).with_suffix(".new").write_bytes(b"half")
    again = ZammadState(folder=tmp_path)
    assert stored(again) == stored(company.state)
    again.close()


def test_a_process_killed_before_its_first_defaults_starts_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"")
    state = ZammadState(folder=tmp_path)
    assert state.fresh
    assert stored(state).count("Customer") == 1
    state.close()


def test_a_reset_is_on_disk_too(tmp_path: Path) -> None:
    company = Company(folder=tmp_path)
    company.state.reset()
    company.state.close()
    again = ZammadState(folder=tmp_path)
    assert stored(again) == stored(company.state)
    assert len(again.tickets) == 0
    again.close()


def test_a_closed_state_writes_again_when_changed(tmp_path: Path) -> None:
    company = Company(folder=tmp_path)
    company.state.close()
    company.state.book(1, "1")
    company.state.close()
    again = ZammadState(folder=tmp_path)
    assert len(again.entries) == 1
    again.close()


WRITER = """
import sys
from pathlib import Path
from adapters.sandbox.zammad import ZammadState
state = ZammadState(folder=Path(sys.argv[1]))
state.set_setting("time_accounting", True)
group = state.add_group("G")
user = state.add_customer("c@example.com")
ticket = state.add_ticket(title="T", group_id=group.id, customer_id=user.id)
for number in range(1_000_000):
    article = state.add_article(ticket.id, "x", time_unit="1" if number % 2 else "-1")
    print(article.id, flush=True)
"""


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    state = ZammadState(folder=tmp_path)
    assert state.articles.ids[: len(acknowledged)] == acknowledged
    # An article and its entry are one transaction: never one without the other.
    assert len(state.entries) == len(state.articles)
    state.close()


def test_a_failed_transaction_leaves_nothing_on_disk(tmp_path: Path) -> None:
    company = Company(folder=tmp_path)
    before = stored(company.state)

    def book_and_fail() -> None:
        with company.state.transaction():
            company.state.book(1, "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        book_and_fail()
    assert stored(company.state) == before
    company.state.close()
    again = ZammadState(folder=tmp_path)
    assert stored(again) == before
    again.close()
