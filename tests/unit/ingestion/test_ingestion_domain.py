from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contracts.encoded import EncodedEvent, get_event_json, unwrap_event_class
from contracts.errors import BadMessageError, BugTriggeredByMessageError
from contracts.events import ChunkReady, TranscriptIngested, TranscriptSubmitted
from contracts.study import DoubtfulSpeakers
from contracts.topics import MIB
from contracts.transcript import Role, Speaker
from ingestion.domain import ChunkSizes, build_ingestion_events
from ingestion.handlers import ingest_interview
from ingestion.readers import open_interview_reader
from messaging.codec import encode_event
from messaging.delivery import Delivery, MessageOrigin
from processes import TaskLimits
from support.admission import NothingErased, admit_inline
from support.chunks import INTERVIEW, STUDY
from transcripts import DoubtfulTranscriptError, TooLargeTranscriptError

DELIVERY = Delivery(MessageOrigin("transcripts-submitted", 0, 0))
LIMITS = TaskLimits(timeout_s=60, cpu_s=10, memory_bytes=128 * MIB)
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
    first, *rest = build_ingestion_events(
        submitted, ChunkSizes(max_characters=600, context_characters=100)
    )
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


LONG = "and then we carried the ladder home again " * 30
DOUBTFUL = SUBMITTED.model_copy(
    update={
        "content": f"Ann: How?\nBen: {LONG}\nTrappe: Where {LONG}\nAnn: And?\nBen: Fine.\n",
        "speakers": (),
    }
)


def test_a_transcript_in_doubt_is_refused_unless_the_message_or_the_study_accepts_it() -> None:
    with pytest.raises(DoubtfulTranscriptError, match="“Trappe” is named once only"):
        ingested(DOUBTFUL)
    study = STUDY.model_copy(update={"doubtful_speakers": DoubtfulSpeakers.ACCEPT})
    for accepted in ({"accept_doubtful": True}, {"study": study}):
        whole, _ = ingested(DOUBTFUL.model_copy(update=accepted))
        assert {segment.role for segment in whole.segments} == {Role.UNKNOWN}


def test_all_who_speak_in_the_interview_travel_with_each_chunk() -> None:
    late = SUBMITTED.model_copy(update={"content": f"{TALK}\n\nCleo: And I came last."})
    _, chunks = ingested(late)
    assert len(chunks) > 2
    assert {chunk.speakers for chunk in chunks} == {("Ann", "Ben", "Cleo")}


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


@pytest.mark.parametrize("change", [{"content": 7}, {"content": None}, {"speakers": 7}])
async def test_what_no_reader_foresaw_is_that_interviews_failure_and_quotes_nothing(
    change: dict[str, object],
) -> None:
    """Types that no event has stand for what a reader's author did not think of."""
    async with open_interview_reader(
        processes=1, limits=LIMITS, chunk_sizes=ChunkSizes(600, 0)
    ) as read:
        with pytest.raises(BugTriggeredByMessageError) as failed:
            await read(SUBMITTED.model_copy(update={"title": "SECRET", **change}))
        assert await read(SUBMITTED), "the next one is read"
    assert str(failed.value).startswith("reading the transcript failed unexpectedly (")
    assert failed.value.frames, "where it was"
    assert "SECRET" not in f"{failed.value!r}{failed.value.__dict__}"


async def test_an_interview_over_the_limit_is_refused_before_it_is_hashed() -> None:
    too_much = SUBMITTED.model_copy(update={"content": "Ann: hello there\n" * 1_800_000})
    # Hashing it takes 104 MiB beside the message; its size is found with 60.
    little = TaskLimits(timeout_s=20, cpu_s=10, memory_bytes=112 * MIB)
    async with open_interview_reader(
        processes=1, limits=little, chunk_sizes=ChunkSizes(600, 0)
    ) as read:
        with pytest.raises(TooLargeTranscriptError, match="bytes of text; the limit is"):
            await read(too_much)
        assert await read(SUBMITTED), "the next one is read"


async def test_the_handler_sends_the_interview_before_its_chunks() -> None:
    async with open_interview_reader(
        processes=1, limits=LIMITS, chunk_sizes=ChunkSizes(600, 0)
    ) as read:
        events = await ingest_interview(SUBMITTED, DELIVERY, read, admit_inline, NothingErased())
    here = build_ingestion_events(SUBMITTED, ChunkSizes(600, 0))
    assert [unwrap_event_class(event) for event in events] == [type(event) for event in here]
    assert [get_event_json(event) for event in events] == [get_event_json(event) for event in here]
    assert isinstance(here[0], TranscriptIngested)


def test_an_encoded_event_is_sent_as_the_event_itself_would_be() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for event in build_ingestion_events(SUBMITTED, ChunkSizes(600, 0)):
        key, body, headers = encode_event(event, source="/a", at=at)
        encoded = encode_event(EncodedEvent.of(event), source="/a", at=at)
        assert encoded[:2] == (key, body)
        trace = "traceparent"  # a new one each time
        assert [one for one in encoded[2] if one[0] != trace] == [
            one for one in headers if one[0] != trace
        ]
