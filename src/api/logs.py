"""Structured logs: one JSON object per line on stdout, with request and run ids, no secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# A last net under code that already keeps secrets out of its messages.
SECRET_KEYS = re.compile(r"password|token|secret|authorization|cookie|api_key", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"(?i)(bearer\s+|token=|basic\s+)[\w.~+/=-]{8,}|((?:password|secret)=)[^\s&,;'\"]+"
    r"|(postgres(?:ql)?://[^:/@\s]+:)[^@\s]+(?=@)"
)
LONGEST = 8_000  # characters of a value that are kept, from its end: there a traceback says why
ALLOWED = ("token_id",)


def configure(level: str) -> None:
    """Send everything, the libraries' logging too, through structlog to stdout."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redacted,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVELS[level])
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "pgqueuer"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True  # transport.py writes that line
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _redacted(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if SECRET_KEYS.search(key) and key not in ALLOWED and isinstance(value, str):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = SECRET_TEXT.sub(lambda m: f"{m[m.lastindex or 0]}***", value)[-LONGEST:]
    return event
