from __future__ import annotations

import pytest

from contracts.errors import BadMessageError
from contracts.events import ChunkReady, TranscriptIngested, TranscriptSubmitted
from contracts.transcript import Role, Speaker
from ingestion.domain import ingest
from ingestion.handlers import ingestion_stage
from messaging.delivery import Delivery, Origin
from support.chunks import INTERVIEW, STUDY

TALK = "\n\n".join(
    f"{'Ann' if n % 2 else 'Ben'}: This is turn number {n}, and it says something of its own."
    for n in range(1, 41)
)
SUBMITTED = TranscriptSubmitted(
    transcript_id=INTERVIEW,
    title="Interview 1",
    study=STUDY,
    content=TALK,
    speakers=(Speaker(label="Ann", role=Role.INTERVIEWER),),
)


def ingested(
    submitted: TranscriptSubmitted = SUBMITTED,
) -> tuple[TranscriptIngested, list[ChunkReady]]:
    first, *rest = ingest(submitted, max_characters=600, context_characters=100)
    assert isinstance(first, TranscriptIngested)
    return first, [event for event in rest if isinstance(event, ChunkReady)]


def test_chunks_cover_every_segment_exactly_once_and_agree_with_the_list() -> None:
    whole, chunks = ingested()
    assert len(chunks) > 2
    assert [s for chunk in chunks for s in chunk.segments] == list(whole.segments)
    assert [ref.chunk_id for ref in whole.chunks] == [chunk.chunk_id for chunk in chunks]
    assert [chunk.index for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert {chunk.chunk_count for chunk in chunks} == {len(chunks)}
    for ref, chunk in zip(whole.chunks, chunks, strict=True):
        numbers = [segment.number for segment in chunk.segments]
        assert (ref.first_segment, ref.last_segment) == (numbers[0], numbers[-1])


def test_the_same_submission_gives_the_same_events() -> None:
    assert ingested() == ingested()


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 2},
        {"content": TALK + "\n\nBen: One more."},
        {"study": STUDY.model_copy(update={"name": "Another"})},
        {"speakers": ()},
    ],
)
def test_whatever_decides_the_notes_changes_the_ids_of_the_chunks(
    change: dict[str, object],
) -> None:
    _, before = ingested()
    _, after = ingested(SUBMITTED.model_copy(update=change))
    assert not {c.chunk_id for c in before} & {c.chunk_id for c in after}


def test_declared_roles_reach_the_segments() -> None:
    whole, _ = ingested()
    assert {s.speaker: s.role for s in whole.segments}["Ann"] is Role.INTERVIEWER


@pytest.mark.parametrize("content", ["", " \n", '{"foreign": []}'])
def test_what_cannot_be_read_is_a_bad_message(content: str) -> None:
    with pytest.raises(BadMessageError):
        ingested(SUBMITTED.model_copy(update={"content": content}))


async def test_the_handler_sends_the_interview_before_its_chunks() -> None:
    route = ingestion_stage(chunk_characters=600, context_characters=0).route(
        "transcripts-submitted"
    )
    events = await route.handle(SUBMITTED, Delivery(Origin("transcripts-submitted", 0, 0)))
    assert isinstance(events[0], TranscriptIngested)
    assert all(isinstance(event, ChunkReady) for event in events[1:])
