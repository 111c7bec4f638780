"""Chunks whose answers are cut off, asked for in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote, Usage
from contracts.transcript import Role, Segment
from enrichment import domain
from enrichment.drafter import NoteDrafter
from model_client import CostAttribution, ModelClient, ModelRequest, ParsedResponse
from model_client.errors import ContextTooLongError, ServerError, TruncatedAnswerError
from support.chunks import CHUNK


def chunk(*lengths: int, role: Role = Role.PARTICIPANT) -> ChunkReady:
    """A chunk of turns of so many characters."""
    turns = tuple(
        Segment(number=number, speaker="Ben", role=role, text="a" * length)
        for number, length in enumerate(lengths, start=4)
    )
    return CHUNK.model_copy(update={"segments": turns})


@given(st.lists(st.integers(1, 500), min_size=2, max_size=30), st.sampled_from(Role))
def test_both_halves_have_turns_and_together_all_of_them(lengths: list[int], role: Role) -> None:
    whole = chunk(*lengths, role=role)
    parts = domain.split_chunk_in_halves(whole)
    assert parts is not None
    assert parts[0].segments
    assert parts[1].segments
    assert parts[0].segments + parts[1].segments == whole.segments
    assert parts[0].context == whole.context
    before = whole.context + parts[0].segments
    context = parts[1].context
    assert context == before[len(before) - len(context) :]
    assert sum(len(one.text) for one in context) <= domain.CONTEXT_CHARACTERS


@pytest.mark.parametrize(
    ("lengths", "first"),
    [((1, 1), 1), ((9, 1, 1), 1), ((1, 1, 9), 2), ((5, 5, 5, 5), 2), ((1, 900, 1), 1)],
)
def test_the_cut_is_near_the_middle_of_the_text(lengths: tuple[int, ...], first: int) -> None:
    parts = domain.split_chunk_in_halves(chunk(*lengths))
    assert parts is not None
    assert len(parts[0].segments) == first


def test_a_question_goes_with_its_answer() -> None:
    whole = chunk(50, 50, 50, 50)
    asking = whole.segments[1].model_copy(update={"role": Role.INTERVIEWER})
    turns = (whole.segments[0], asking, *whole.segments[2:])
    parts = domain.split_chunk_in_halves(whole.model_copy(update={"segments": turns}))
    assert parts is not None
    assert parts[1].segments[0] == asking


def test_one_turn_is_not_split() -> None:
    assert domain.split_chunk_in_halves(chunk(5_000)) is None


@dataclass
class Terse:
    """Answers in the client's place, one note a turn, and only so many of them."""

    most: int = 1
    error: Exception = field(default_factory=lambda: TruncatedAnswerError("the answer was cut off"))
    fails_on: int | None = None
    asked: list[tuple[list[int], ModelRequest[Any], CostAttribution, float]] = field(
        default_factory=list
    )
    accepts_truncated: list[bool] = field(default_factory=list)

    async def ask(
        self,
        request: ModelRequest[Any],
        attribution: CostAttribution,
        *,
        deadline: float,
        accepts_truncated: bool,
        models: Sequence[str] = (),
    ) -> ParsedResponse[Any]:
        assert models == ()
        evidence = request.schema["properties"]["notes"]["items"]["properties"]["evidence"]
        numbers = evidence["items"]["properties"]["segment"]["enum"]
        self.asked.append((numbers, request, attribution, deadline))
        self.accepts_truncated.append(accepts_truncated)
        if self.fails_on == numbers[0] and len(numbers) == 1:
            raise ServerError("the endpoint answered 500")
        if len(numbers) > self.most:
            raise self.error
        notes = [
            DraftNote(statement="Same.", evidence=(DraftEvidence(segment=one),)) for one in numbers
        ]
        value = domain.DraftAnswer(notes=tuple(notes))
        model = "a" if numbers[0] < 6 else "b"
        return ParsedResponse(value, model, f"fp-{model}", Usage(input_tokens=10, output_tokens=1))


def drafter(client: Terse) -> NoteDrafter:
    return NoteDrafter(cast("ModelClient", client))


@pytest.mark.parametrize(
    "error", [TruncatedAnswerError("cut off"), ContextTooLongError("too long")]
)
async def test_a_cut_off_answer_is_asked_for_in_parts_and_put_together(error: Exception) -> None:
    client, whole = Terse(error=error), chunk(10, 10, 10, 10)
    draft = await drafter(client).draft(whole, attempt=2, feedback="wrong", deadline=9.0)
    assert draft.chunk == whole
    assert [note.evidence[0].segment for note in draft.notes] == [4, 5, 6, 7]
    assert (draft.model, draft.model_fingerprint) == ("a, b", "fp-a, fp-b")
    assert draft.usage == Usage(input_tokens=40, output_tokens=4)
    assert (draft.attempt, draft.prompt_version) == (2, domain.PROMPT_VERSION)
    assert len(client.asked) == 7
    for _, request, attribution, deadline in client.asked:
        assert (request.attempt, len(request.messages), deadline) == (2, 3, 9.0)
        assert attribution == CostAttribution("heating", str(whole.chunk_id))


async def test_a_whole_answer_is_asked_for_once() -> None:
    client = Terse(most=9)
    draft = await drafter(client).draft(chunk(10, 10), attempt=1, deadline=9.0)
    assert len(client.asked) == 1
    assert (draft.model, len(draft.notes)) == ("a", 2)


async def test_an_answer_about_one_turn_that_is_cut_off_is_an_error() -> None:
    with pytest.raises(TruncatedAnswerError):
        await drafter(Terse(most=0)).draft(chunk(10, 10), attempt=1, deadline=9.0)


@pytest.mark.parametrize("is_replay", [False, True])
async def test_what_was_cut_off_before_is_taken_for_known_only_where_that_helps(
    *, is_replay: bool
) -> None:
    client = Terse()
    await drafter(client).draft(chunk(10, 10), attempt=1, deadline=9.0, is_replay=is_replay)
    # The whole, which can be split; then its turns, which cannot.
    assert client.accepts_truncated == [not is_replay, False, False]


async def test_a_part_that_fails_fails_the_chunk_when_all_parts_have_ended() -> None:
    client = Terse(fails_on=4)
    with pytest.raises(ServerError):
        await drafter(client).draft(chunk(10, 10, 10, 10), attempt=1, deadline=9.0)
    assert [numbers for numbers, *_ in client.asked if len(numbers) == 1] == [[4], [5], [6], [7]]
