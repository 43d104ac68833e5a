"""Fixtures for tests of the whole service."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that the account of a database server may pass through, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="timeledger-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)
