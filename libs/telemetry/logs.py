"""Structured logging to standard error: JSON lines, or coloured text on a terminal."""

from __future__ import annotations

import logging
import sys

import structlog

from contracts.terminal import escape_control_characters
from telemetry.repeats import RepeatedLogFilter

_QUIET = ("aiokafka", "asyncio", "httpcore2", "httpx2", "openai", "uvicorn")
"""Libraries whose lines below a warning give an operator nothing to act on, or name whole URLs."""


def configure_logs(service: str, level: str = "INFO") -> None:
    """Configure structlog and standard logging for this process.

    Args:
        service: the service's name, part of every line.
        level: the lowest level that is written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering())
    )
    handler.addFilter(RepeatedLogFilter())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def _escape_controls(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape what would control the terminal; other values than texts are shown by ``repr``."""
    del logger, method
    return {
        name: escape_control_characters(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _rendering() -> list[structlog.typing.Processor]:
    cleaned = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        # Rich tracebacks show local variables, which may contain transcript text.
        plain = structlog.dev.plain_traceback
        return [
            cleaned,
            structlog.processors.format_exc_info,
            _escape_controls,
            structlog.dev.ConsoleRenderer(exception_formatter=plain),
        ]
    return [cleaned, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
