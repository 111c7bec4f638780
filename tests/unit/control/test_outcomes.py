"""What is decided of submitted content, for everything that can be known of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from contracts.bounds import MAX_REASONS
from contracts.events import SettledOutcome, SettledReason
from control.interviews.outcomes import (
    DeadLetterCause,
    OutcomeDecision,
    SubmissionFacts,
    decide_outcome,
)
from support.interviews import TRANSCRIPT, sha

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SUBMITTED = SubmissionFacts(
    transcript_id=TRANSCRIPT,
    revision=1,
    content_sha256=sha("a"),
    submissions=1,
    last_submitted_at=NOON,
)
INVALID = replace(SUBMITTED, revision=None, content_sha256=None)
STORED = replace(SUBMITTED, ingested=True, newest_revision=1, chunks=2, stored=2, notes=5)


def letter(number: int = 1, code: str = "llm_timeout", message: str = "late") -> DeadLetterCause:
    return DeadLetterCause(UUID(int=number), "enrichment", code, message)


NEWER: Final[dict[int, dict[str, Any]]] = {
    number: {"has_newer": True, "newest_revision": number} for number in (2, 3)
}
IN_PART = replace(STORED, stored=1, letters=[letter()])
REFUSED = replace(SUBMITTED, letters=[letter(code="doubtful_reading", message="line 3: who?")])


def decided(facts: SubmissionFacts, number: int = 1) -> OutcomeDecision:
    decision = decide_outcome(facts, number)
    assert decision is not None
    return decision


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (SUBMITTED, None),
        (INVALID, None),
        (replace(SUBMITTED, newest_revision=2), None),
        (replace(STORED, is_going_on=True, chunks=0, stored=0), None),
        (STORED, SettledOutcome.COMPLETE),
        (replace(STORED, notes=0), SettledOutcome.COMPLETE),
        (replace(STORED, letters=[letter()]), SettledOutcome.COMPLETE),
        (IN_PART, SettledOutcome.DEAD_IN_PART),
        (replace(IN_PART, stored=0), SettledOutcome.DEAD_IN_PART),
        (REFUSED, SettledOutcome.REFUSED),
        (replace(REFUSED, newest_revision=2), SettledOutcome.REFUSED),
        (replace(INVALID, letters=[letter()]), SettledOutcome.REFUSED),
        (replace(STORED, **NEWER[2]), SettledOutcome.SUPERSEDED),
        (replace(IN_PART, **NEWER[3]), SettledOutcome.SUPERSEDED),
        (
            replace(STORED, **NEWER[2], is_going_on=True),
            SettledOutcome.SUPERSEDED,
        ),
        (replace(STORED, newest_revision=None, is_withdrawn=True), SettledOutcome.SUPERSEDED),
        (
            replace(IN_PART, **NEWER[2], is_withdrawn=True),
            SettledOutcome.SUPERSEDED,
        ),
    ],
)
def test_the_outcome_follows_from_the_facts(
    facts: SubmissionFacts, outcome: SettledOutcome | None
) -> None:
    decision = decide_outcome(facts, 1)
    assert (decision and decision.event.outcome) == outcome


def test_an_outcome_names_its_content_and_number() -> None:
    event = decided(STORED, 7).event
    assert (event.transcript_id, event.revision, event.content_sha256, event.number) == (
        TRANSCRIPT,
        1,
        sha("a"),
        7,
    )
    invalid = decided(replace(INVALID, letters=[letter()])).event
    assert (invalid.revision, invalid.content_sha256) == (None, None)


def test_a_complete_interview_is_counted() -> None:
    event = decided(replace(STORED, rejected_notes=2)).event
    assert (event.chunks, event.stored, event.dead) == (2, 2, 0)
    assert (event.notes, event.rejected_notes, event.reasons) == (5, 2, ())


def test_a_superseded_revision_names_the_newest() -> None:
    event = decided(replace(STORED, **NEWER[3])).event
    assert (event.superseded_by, event.chunks, event.notes) == (3, 0, 0)


def test_a_refusal_has_the_letter_s_cause() -> None:
    assert decided(REFUSED).event.reasons == (
        SettledReason(service="enrichment", code="doubtful_reading", message="line 3: who?"),
    )


def test_dead_chunks_are_counted_by_cause_with_the_first_message() -> None:
    letters = [letter(1), letter(2, "bug", "odd"), letter(3, message="later")]
    event = decided(replace(STORED, chunks=4, stored=1, letters=letters)).event
    assert (event.chunks, event.stored, event.dead) == (4, 1, 3)
    assert [(reason.code, reason.message, reason.chunks) for reason in event.reasons] == [
        ("llm_timeout", "late", 2),
        ("bug", "odd", 1),
    ]


def test_what_others_wrote_to_a_dlq_fits_into_the_event() -> None:
    letters = [letter(number, f"{number}" * 2_000, "m" * 4_096) for number in range(200)]
    event = decided(replace(STORED, chunks=200, stored=0, letters=letters)).event
    assert len(event.reasons) == MAX_REASONS
    assert event.dead == 200


@pytest.mark.parametrize(
    ("before", "after", "is_another"),
    [
        (IN_PART, STORED, True),
        (STORED, replace(STORED, **NEWER[2]), True),
        (STORED, replace(STORED, notes=6), True),
        (IN_PART, replace(IN_PART, letters=[letter(2)]), True),
        (REFUSED, replace(REFUSED, letters=[letter(2)]), True),
        # Content that is stored is not read again when it is submitted again: that is answered.
        (STORED, replace(STORED, submissions=2), True),
        (STORED, replace(STORED, last_submitted_at=NOON.replace(hour=13)), True),
        # What died is: its answer is what becomes of it now.
        (IN_PART, replace(IN_PART, submissions=2), False),
        (REFUSED, replace(REFUSED, submissions=2), False),
        (
            replace(STORED, **NEWER[2]),
            replace(STORED, **NEWER[3]),
            False,
        ),
    ],
)
def test_other_facts_are_another_outcome(
    before: SubmissionFacts, after: SubmissionFacts, *, is_another: bool
) -> None:
    assert (decided(before).facts_sha256 != decided(after, 2).facts_sha256) is is_another


def test_the_same_facts_are_the_same_outcome_whatever_its_number() -> None:
    facts: list[Any] = [STORED, IN_PART, REFUSED]
    for one in facts:
        assert decided(one, 1).facts_sha256 == decided(replace(one), 2).facts_sha256


def test_what_was_withdrawn_says_so_and_what_is_restored_is_settled_anew() -> None:
    withdrawn = decided(replace(STORED, **NEWER[2], is_withdrawn=True))
    assert (withdrawn.event.withdrawn, withdrawn.event.superseded_by) == (True, None)
    assert (withdrawn.event.chunks, withdrawn.event.notes) == (0, 0)
    newer = decided(replace(STORED, **NEWER[2]))
    assert not newer.event.withdrawn
    restored = decided(STORED)
    assert len({one.facts_sha256 for one in (withdrawn, newer, restored)}) == 3


def test_outcomes_that_were_decided_before_revisions_could_be_withdrawn_hold() -> None:
    decision = decided(STORED)
    excluded = {"number", "reasons", "superseded_by", "withdrawn", "refreshes"}
    facts = (decision.event.model_dump_json(exclude=excluded), "1", str(NOON))
    assert decision.facts_sha256 == hashlib.sha256("\n".join(facts).encode()).hexdigest()
