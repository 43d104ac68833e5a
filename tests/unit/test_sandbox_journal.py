"""A sandbox peer's state on disk survives being killed at any instant."""

from pathlib import Path

from adapters.sandbox.journal import Journal
from adapters.sandbox.kimai import KimaiState, seed_recordings, token_of


def test_rows_come_back_changed_and_deleted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "peer.jsonl")
    journal.put("users", "1", {"name": "a"})
    journal.put("users", "2", {"name": "b"})
    journal.put("users", "1", {"name": "c"})
    journal.put("users", "2", None)
    again = Journal(tmp_path / "peer.jsonl")  # the first was never closed: as after a kill
    assert again.rows("users") == {"1": {"name": "c"}}
    journal.close()
    again.close()


def test_a_torn_last_line_is_dropped_and_later_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "peer.jsonl"
    journal = Journal(path)
    journal.put("users", "1", {"name": "a"})
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"t":"users","k":"2","v":{"na')
    torn = Journal(path)
    torn.put("users", "3", {"name": "d"})
    torn.close()
    again = Journal(path)
    assert set(again.rows("users")) == {"1", "3"}
    again.close()


def test_the_file_does_not_grow_with_every_change(tmp_path: Path) -> None:
    path = tmp_path / "peer.jsonl"
    journal = Journal(path)
    for n in range(25_000):
        journal.put("users", "1", {"n": n})
    assert path.stat().st_size < 1_000_000
    assert journal.rows("users") == {"1": {"n": 24_999}}
    journal.close()


def test_a_kimai_continues_where_it_was(tmp_path: Path) -> None:
    state = KimaiState(folder=tmp_path)
    assert state.empty
    seed_recordings(state)
    state.add_tag("foo")
    state.configure({"timesheet.mode": "punch", "role_permissions": {"ROLE_USER": {"x": True}}})
    state.define_meta_field("timesheet", "ext_id")
    row = state.add_timesheet(user=3, project=1, activity=2, begin=0, end=60, tags=[1])
    gone = state.add_timesheet(user=3, project=1, activity=2, begin=60, end=120)
    state.drop("timesheets", gone.id)

    again = KimaiState(folder=tmp_path)
    assert again.describe() == state.describe()
    assert again.tokens[token_of("anna")].user == 3
    assert again.by_begin([3], None, None) == [(0, row.id)]
    assert again.take_id("timesheets") == gone.id + 1  # ids are not used again
    again.reset()
    assert KimaiState(folder=tmp_path).empty
