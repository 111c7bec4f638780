from __future__ import annotations

import pytest

from contracts.errors import RejectedError
from contracts.events import NotesRejected, NotesValidated
from guardrail.domain import examine
from guardrail.handlers import guardrail_stage
from messaging.delivery import Delivery, Origin
from support.chunks import BAD, CHUNK, GOOD, drafted


def test_good_notes_go_on_with_their_quotes() -> None:
    verdict = examine(drafted(GOOD), max_rejected_share=0.5, replays=0)
    assert isinstance(verdict, NotesValidated)
    (note,) = verdict.notes
    assert note.evidence[0].quote == "We pay sixty pounds a month."
    assert (verdict.chunk_id, verdict.study_id, verdict.attempt) == (CHUNK.chunk_id, "heating", 1)


def test_no_notes_are_a_finding_too() -> None:
    verdict = examine(drafted(), max_rejected_share=0.0, replays=0)
    assert isinstance(verdict, NotesValidated)
    assert not verdict.notes
    assert not verdict.rejected


def test_a_few_bad_notes_are_kept_with_their_reasons() -> None:
    verdict = examine(drafted(GOOD, BAD), max_rejected_share=0.5, replays=0)
    assert isinstance(verdict, NotesValidated)
    assert len(verdict.notes) == 1
    assert verdict.rejected[0].draft == BAD


def test_too_many_bad_notes_send_the_draft_back_with_feedback() -> None:
    verdict = examine(drafted(GOOD, BAD), max_rejected_share=0.49, replays=0)
    assert isinstance(verdict, NotesRejected)
    assert (verdict.chunk, verdict.attempt) == (CHUNK, 1)
    assert verdict.feedback


def test_the_second_bad_draft_is_refused_without_quoting_it() -> None:
    with pytest.raises(RejectedError, match="draft 2: 1 of 1 notes refused") as caught:
        examine(drafted(BAD, attempt=2), max_rejected_share=0.5, replays=0)
    assert "SECRETWORDS" not in str(caught.value)


@pytest.mark.parametrize(
    ("attempt", "replays", "again"), [(2, 1, True), (3, 1, False), (3, 2, True), (1, 0, True)]
)
def test_each_replay_gives_the_model_another_try(
    attempt: int, replays: int, *, again: bool
) -> None:
    draft = drafted(BAD, attempt=attempt)
    if again:
        verdict = examine(draft, max_rejected_share=0.5, replays=replays)
        assert isinstance(verdict, NotesRejected)
        assert verdict.attempt == attempt
    else:
        with pytest.raises(RejectedError):
            examine(draft, max_rejected_share=0.5, replays=replays)


async def test_the_handler_tells_how_often_the_draft_was_replayed() -> None:
    route = guardrail_stage(max_rejected_share=0.5).route("notes-drafted")
    delivery = Delivery(Origin("notes-drafted", 0, 0), replays=1)
    (event,) = await route.handle(drafted(BAD, attempt=2), delivery)
    assert isinstance(event, NotesRejected)
