import io
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from contracts import headers as h
from contracts import ids
from contracts.control_api import DeadLetter, DeadLetterCount, DeadLetterState
from onrecord.pages.letters import (
    format_dead_letter,
    format_dead_letter_counts,
    format_dead_letters,
)

CHUNK = str(ids.derive_id("chunk", 1))
FIELDS: dict[str, Any] = {
    "dlq_topic": "guardrail-dlq",
    "dlq_partition": 0,
    "dlq_offset": 7,
    "letter_id": str(ids.derive_id("letter", 1)),
    "service": "guardrail",
    "error_code": "ungrounded",
    "error_type": "RejectedError",
    "error_message": "draft 2: 2 of 2 notes refused: no_theme (2)",
    "state": "open",
    "failed_at": "2026-01-05T12:00:00+00:00",
    "attempts": 1,
    "subject": CHUNK,
    "key": "a2V5",
    "source_topic": "notes-drafted",
}


@pytest.mark.parametrize(
    ("changes", "names", "about"),
    [
        ({}, {CHUNK: "Talk 1, chunk 2"}, "(Talk 1, chunk 2)"),
        ({}, {}, f"(about chunk {CHUNK[:8]})"),
        ({"source_topic": "transcripts-submitted"}, {}, f"(about interview {CHUNK[:8]})"),
        ({"subject": "odd key"}, {}, "(about odd key)"),
        ({"subject": None, "key": None}, {}, "(without a key)"),
        ({"subject": None, "key": "aGk="}, {}, "(its key says hi, its value does not)"),
        ({"subject": None, "key": "/w=="}, {}, "(its key says 0xff, its value does not)"),
        (
            {"displaced_at": "2026-01-05T12:00:00+00:00"},
            {CHUNK: "Talk 1"},
            "(Talk 1; its bytes are gone from the DLQ)",
        ),
    ],
)
def test_says_what_a_letter_is_about_and_why_in_words(
    changes: dict[str, Any], names: dict[str, str], about: str
) -> None:
    now = datetime(2026, 1, 5, 13, tzinfo=UTC)
    letter = DeadLetter.model_validate(FIELDS | changes)
    _, _, *lines = [line.plain for line in format_dead_letters([letter], now, 200, names)]
    shown = " ".join(line.strip() for line in lines)
    assert shown == f"draft 2: 2 of 2 notes refused: is under no theme (2) {about}"


@pytest.mark.parametrize("kind", ["record", "batch"])
def test_a_stub_is_said_to_be_one_and_its_value_to_be_longer_than_shown(kind: str) -> None:
    added = {h.STUB: kind, h.STUB_SIZE: "70000000"}
    headers = [[name, b64encode(value.encode()).decode()] for name, value in added.items()]
    letter = DeadLetter.model_validate(FIELDS | {"headers": headers, "size_bytes": 4_096})
    page = "\n".join(line.plain for line in format_dead_letter(letter, bytes(4_000), 500, {}))
    assert "only the beginning of a message" in page
    assert "70,000,000 bytes" in page
    assert "3,584 more bytes; --raw" in page


@pytest.mark.parametrize("left_out", [None, DeadLetterState.REPLAYING])
def test_counts_of_letters_cut_nothing_however_narrow_the_terminal(
    left_out: DeadLetterState | None,
) -> None:
    counts = [
        DeadLetterCount(
            service="persistence", error_code=code, state=state, letters=number, replayable=0
        )
        for code, number in (("malformed_transcript", 1), ("llm_timeout", 1_200_300))
        for state in DeadLetterState
        if state is not left_out
    ]
    terminal = Console(width=80, file=io.StringIO(), color_system=None)
    terminal.print(format_dead_letter_counts(counts), crop=False)
    assert isinstance(terminal.file, io.StringIO)
    rows = [line.split() for line in terminal.file.getvalue().splitlines()]
    states = len(DeadLetterState) - (left_out is not None)
    assert rows[-2] == ["persistence", "malformed_transcript", *["1"] * states]
    assert rows[-3] == ["persistence", "llm_timeout", *["1,200,300"] * states]
