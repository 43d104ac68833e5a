"""What the service logs, line by line, as it does in production."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import structlog

from api.logs import configure
from tests.support.known_secrets import look


@contextmanager
def logged(level: str = "debug") -> Iterator[io.StringIO]:
    """Standard output for as long as the block, with the logs of everything in it."""
    root = logging.getLogger()
    handlers, before = root.handlers, root.level
    configured = structlog.get_config()
    with redirect_stdout(io.StringIO()) as text:
        configure(level)
        try:
            yield text
        finally:
            structlog.configure(**configured)
            root.handlers, root.level = handlers, before
            look("the log", text.getvalue())


def lines(text: io.StringIO) -> list[dict[str, Any]]:
    """The lines so far; each must be one JSON object."""
    return [json.loads(line) for line in text.getvalue().splitlines()]
