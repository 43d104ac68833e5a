"""Nobody changes the shape of what is already stored."""

from pathlib import Path

import pytest

from domain.catalogue import ALL
from tests.support.golden_events import FOLDER, NOW, codec, example, texts

CODEC = codec()
PRESENT = texts()
STORED = sorted(file for file in FOLDER.glob("*.json") if file.name != "metadata.json")
METADATA = FOLDER / "metadata.json"


@pytest.mark.parametrize("file", PRESENT, ids=lambda file: file.stem)
def test_every_shape_is_the_frozen_one(file: Path) -> None:
    assert file.exists(), "new shape: run python -m tests.support.golden_events and commit"
    frozen = file.read_bytes().strip()
    assert PRESENT[file] == frozen, "the shape changed: raise SCHEMA and add an upcaster"


@pytest.mark.parametrize("file", STORED, ids=lambda file: file.stem)
def test_every_stored_shape_is_still_readable(file: Path) -> None:
    type_, schema = file.stem.split(".")
    event = CODEC.decode(type_, int(schema), file.read_bytes().strip())
    assert type_ == event.TYPE
    if int(schema) == event.SCHEMA:
        assert event == example(type(event))


def test_every_schema_that_ever_was_is_kept() -> None:
    for cls in ALL:
        for schema in range(1, cls.SCHEMA + 1):
            assert (FOLDER / f"{cls.TYPE}.{schema}.json").exists()


def test_stored_metadata_is_still_readable() -> None:
    metadata, occurred_at = CODEC.decode_metadata(METADATA.read_bytes())
    assert occurred_at == NOW
    assert metadata.ip_address is not None
    assert metadata.ip_address.value == "Ada Lovelace"
