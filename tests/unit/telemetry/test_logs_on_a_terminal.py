"""Logs on a terminal: other people's words do not control it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from contracts.terminal import TERMINAL_CONTROLS
from telemetry.logs import configure_logs

HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202eevil\u2066\u2028"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    written = Terminal()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    configure_logs("test")
    yield written
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_values_messages_and_errors_are_escaped(terminal: Terminal) -> None:
    log = structlog.stdlib.get_logger("test")
    log.warning(HOSTILE, title=HOSTILE, several=[HOSTILE], error=ValueError(HOSTILE))
    log.error("broken", exc_info=ValueError(HOSTILE))
    logging.getLogger("library").error("it said %s", HOSTILE)
    text = terminal.getvalue()
    assert "\\u202eevil" in text
    assert {*TERMINAL_CONTROLS.findall(text)} <= {"\x1b"}, "only of the renderer's own colours"
    assert "\x1b[2J" not in text
    assert "\x1b]" not in text
    assert text.count("it said") == 1
