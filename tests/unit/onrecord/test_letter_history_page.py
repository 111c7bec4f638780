"""The page of a letter's history: claims beside passages, calls, times and lineage."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from contracts.control_api import DeadLetter, DeadLetterState
from contracts.letter_history import LetterHistory, LetterModelCall, RefusedDraft, RelatedLetter
from contracts.notes import CheckFailure, DraftNote, RejectedNote
from onrecord.pages.letter_history import format_letter_history

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ONE, OTHER, THIRD = (UUID(int=number) for number in (1, 2, 3))


def letter(**fields: Any) -> DeadLetter:
    return DeadLetter(
        letter_id=ONE,
        service="enrichment",
        dlq_topic="enrichment-dlq",
        dlq_partition=0,
        dlq_offset=0,
        source_sent_at=AT,
        error_code="llm_timeout",
        failed_at=AT + timedelta(seconds=130),
        **fields,
    )


def call(begin_s: float, took_s: float, first_token_s: float | None = None) -> LetterModelCall:
    started = AT + timedelta(seconds=begin_s)
    return LetterModelCall(
        started_at=started,
        settled_at=started + timedelta(seconds=took_s),
        purpose="draft",
        prompt_version="notes-1",
        model="m",
        outcome="timeout",
        cost_usd=Decimal("0.25"),
        latency_s=took_s,
        first_token_s=first_token_s,
    )


def page(history: LetterHistory, value: bytes | None = None, **fields: Any) -> str:
    console = Console(width=200, file=StringIO(), color_system=None)
    for part in format_letter_history(letter(**fields), value, history, 120):
        console.print(part)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_letter_without_a_history_has_no_such_page() -> None:
    assert page(LetterHistory(letter_id=ONE), b"\xff") == ""


def test_a_timeout_says_where_the_time_went() -> None:
    calls = (call(20, 60), call(30, 60, 2.5), call(110, 10), call(900, 5))
    history = LetterHistory(
        letter_id=ONE, calls=calls, call_count=4, cost_usd=Decimal("1.00"), unpriced=1
    )
    lines = [" ".join(line.split()) for line in page(history).splitlines()]
    assert "Calls about its chunk (4, USD 1.0000 + unknown)" in lines
    assert any(line.endswith("draft notes-1 m 0+0 0.2500 2.5 s 60.0 s timeout") for line in lines)
    # From 20 to 90 s and from 110 to 120 s; the last call came after the letter.
    assert "in the queue 20.0 s before a call" in lines
    assert "in calls 80.0 s in 3 calls, of which 2 did not begin to answer" in lines
    assert "beside them 30.0 s: limits, pauses between tries, other work" in lines


def test_lineage_parts_what_came_before_from_what_it_became() -> None:
    def related(letter_id: UUID, replay_of: UUID | None) -> RelatedLetter:
        return RelatedLetter(
            letter_id=letter_id,
            service="enrichment",
            error_code="llm_timeout",
            state=DeadLetterState.REPLAYED,
            failed_at=AT,
            replay_of=replay_of,
        )

    history = LetterHistory(
        letter_id=ONE,
        related=(related(THIRD, ONE), related(OTHER, None), related(UUID(int=9), None)),
        stored_at=AT,
    )
    shown = page(history, replay_of=OTHER)
    relations = [line.split(str(UUID(int=0))[:7])[0].strip() for line in shown.splitlines()]
    assert relations[2:5] == ["became of it", "came before", "same subject"]
    assert "notes on its chunk" in shown


def test_refused_claims_stand_beside_their_passages_with_the_verdict() -> None:
    failure = CheckFailure(
        check="quote_not_found",
        reason="The passage is not there.",
        claim="everybody\x1b[31m pays",
        evidence="nobody pays",
    )
    note = RejectedNote(draft=DraftNote(statement="Everybody pays."), failures=(failure,))
    refused = tuple(RefusedDraft(attempt=attempt, note=note) for attempt in (1, 2))
    draft = json.dumps({"notes": [], "chunk": {}, "attempt": 2}).encode()
    shown = page(LetterHistory(letter_id=ONE, refused=refused), draft)
    assert "Refused claims (1)" in shown
    assert "\x1b" not in shown
    assert "The passage is not there." in " ".join(shown.split())
    (line,) = [line for line in shown.splitlines() if "pays" in line and "nobody" in line]
    assert line.index("everybody") < line.index("nobody pays")


def test_a_draft_without_verdicts_shows_its_claims_beside_what_they_cite() -> None:
    draft = {
        "chunk": {"segments": [{"number": 3, "text": "Nobody pays."}]},
        "notes": [{"statement": "Everybody pays.", "evidence": [{"segment": 3}, {"segment": 9}]}],
    }
    shown = page(LetterHistory(letter_id=ONE), json.dumps(draft).encode())
    (line,) = [line for line in shown.splitlines() if "Everybody" in line]
    assert "[3] Nobody pays." in line


@pytest.mark.parametrize(
    "document",
    [
        {"chunk": {"segments": 7}, "notes": [7, {"evidence": 7}, {"evidence": [7]}]},
        {"chunk": {"segments": [{"number": [1]}]}, "notes": [{"evidence": [{"segment": {}}]}]},
        {"chunk": {}, "notes": []},
        [1],
    ],
)
def test_whatever_a_message_is_the_page_is_made(document: Any) -> None:
    page(LetterHistory(letter_id=ONE), json.dumps(document).encode())
