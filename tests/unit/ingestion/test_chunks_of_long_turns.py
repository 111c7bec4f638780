# ruff: noqa: RUF001 - punctuation of Chinese and Japanese
"""Turns longer than a chunk: cut at sentences, cited as one, no word noted twice or lost."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ChunkReady, TranscriptIngested, TranscriptSubmitted
from contracts.notes import DraftEvidence, Evidence
from contracts.transcript import Role, Segment, Speaker, TranscriptFormat
from grounding.evidence import copy_evidence, resolve_citations
from ingestion.domain import ChunkSizes, build_ingestion_events
from support.chunks import INTERVIEW, STUDY
from transcripts import estimate_size_in_english_characters

SIZES = ChunkSizes(max_characters=600, context_characters=120)
QUESTION = "And how did that go for you?"

FAMILY = {
    "30,000 words": " ".join(
        f"I paid {n} pounds that month, and nobody came." for n in range(3_400)
    ),
    "Chinese": "".join(f"我们每个月付{n}镑，后来就没有人来了。" for n in range(300)),
    "Japanese": "".join(f"毎月{n}ポンド払っていましたが、誰も来ませんでした。" for n in range(300)),
    "mixed": " ".join(f"The 熱泵 costs {n} pounds。真的很贵。" for n in range(300)),
    "no sentence ends": " ".join(f"and then {n} more of them came" for n in range(500)),
    "no blanks": "".join(f"a{n}" for n in range(1_000)),
    "one letter with many accents": "e" + "\u0301\u0327" * 12 + " x" * 900,
    "Hindi": "।".join(f" हम हर महीने {n} पाउंड देते हैं" for n in range(300)),
}


def build(answer: str, *, sizes: ChunkSizes = SIZES) -> tuple[TranscriptIngested, list[ChunkReady]]:
    """Return the events of an interview with one answer between two questions."""
    submitted = TranscriptSubmitted(
        transcript_id=INTERVIEW,
        title="Interview 1",
        study=STUDY,
        content=f"Ann: {QUESTION}\nBen: {answer}\nAnn: Thanks.\nBen: Bye.",
        format=TranscriptFormat.PLAIN,
        speakers=(Speaker(label="Ann", role=Role.INTERVIEWER),),
    )
    whole, *rest = build_ingestion_events(submitted, sizes)
    assert isinstance(whole, TranscriptIngested)
    return whole, [event for event in rest if isinstance(event, ChunkReady)]


def parts_of(chunks: list[ChunkReady], number: int) -> list[Segment]:
    return [one for chunk in chunks for one in chunk.segments if one.number == number]


def cite(chunk: ChunkReady, first: str, last: str, number: int = 2) -> Evidence | None:
    cited = DraftEvidence(segment=number, first_words=first, last_words=last)
    found = resolve_citations([cited], chunk).found
    return copy_evidence(found[0]) if found else None


@pytest.mark.parametrize("name", FAMILY)
def test_a_long_turn_is_one_segment_whose_parts_are_within_the_budget(name: str) -> None:
    whole, chunks = build(FAMILY[name])
    turn = whole.segments[1]
    assert len(whole.segments) == 4, "it is one segment"
    parts = parts_of(chunks, 2)
    assert len(parts) > 1
    assert "".join(one.text for one in parts).replace(" ", "") == turn.text.replace(" ", "")
    for one, following in pairwise(parts):
        assert following.text_offset - (one.text_offset + len(one.text)) in {0, 1}
    for chunk in chunks:
        assert (
            sum(estimate_size_in_english_characters(one.text) for one in chunk.segments)
            <= SIZES.max_characters
        )
        assert (
            sum(estimate_size_in_english_characters(one.text) for one in chunk.context)
            <= SIZES.context_characters
        )
    assert {one.chunk_count for one in chunks} == {len(chunks)}


@pytest.mark.parametrize("name", FAMILY)
def test_a_part_cites_the_whole_turn_and_so_does_a_quote_across_a_cut(name: str) -> None:
    whole, chunks = build(FAMILY[name])
    turn = whole.segments[1]
    for chunk in chunks:
        for part in chunk.segments:
            if part.number != 2:
                continue
            evidence = cite(chunk, "", "")
            assert evidence is not None
            assert turn.text.startswith(evidence.quote, evidence.start)
            assert evidence.start == part.text_offset
    crossed = 0
    for chunk in chunks:
        part, before = chunk.segments[0], chunk.context[-1:]
        if not part.text_offset or not before or " " not in f"{before[0].text}{part.text}":
            continue
        first = " ".join(before[0].text.split(" ")[-4:])
        last = " ".join(part.text.split(" ")[:3])
        evidence = cite(chunk, first[-290:], last[:290])
        if evidence is None or evidence.start >= part.text_offset:
            continue  # cut between two letters of one word, or the part has those words too
        crossed += 1
        assert evidence.start < part.text_offset < evidence.start + evidence.length
        assert turn.text.startswith(evidence.quote, evidence.start)
        assert (evidence.segment, evidence.length) == (2, len(evidence.quote))
    assert crossed or name in {"Chinese", "Japanese", "no blanks", "one letter with many accents"}


def test_parts_end_behind_sentences() -> None:
    for name in ("30,000 words", "Chinese", "Japanese"):
        _, chunks = build(FAMILY[name])
        assert all(one.text.endswith((".", "。")) for one in parts_of(chunks, 2))


def test_what_is_context_is_never_cited_so_that_it_is_not_noted_twice() -> None:
    whole, chunks = build(FAMILY["30,000 words"])
    sentences = [f"{one}." for one in whole.segments[1].text.split(".")[:60] if one]
    noted = [
        (at, chunk.index)
        for chunk in chunks
        for at, sentence in enumerate(sentences)
        if cite(chunk, sentence, "nobody came.") is not None
    ]
    assert [at for at, _ in noted] == list(range(len(sentences))), "each by one chunk alone"
    second = chunks[1]
    assert second.context[-1].number == second.segments[0].number
    shown = second.context[-1].text
    cited = DraftEvidence(segment=2, first_words=shown.partition(",")[0], last_words="nobody came")
    (missing,) = resolve_citations([cited], second).missing
    assert missing.in_context


def test_a_question_is_in_one_chunk_with_the_beginning_of_an_answer_longer_than_a_chunk() -> None:
    _, chunks = build(FAMILY["30,000 words"])
    assert [one.number for one in chunks[0].segments] == [1, 2]
    assert (
        estimate_size_in_english_characters(chunks[0].segments[1].text) >= SIZES.max_characters // 4
    )


def test_what_follows_the_last_part_goes_with_it() -> None:
    _, chunks = build(" ".join(["We paid sixty pounds."] * 30))
    assert [one.number for one in chunks[-1].segments] == [2, 3, 4]


def test_parts_have_the_times_of_their_own_words() -> None:
    elements = [{"type": "text", "value": f"w{n} ", "ts": n, "end_ts": n + 0.5} for n in range(600)]
    content = json.dumps(
        {
            "speakers": [{"id": 0, "name": "Ben"}],
            "monologues": [{"speaker": 0, "elements": elements}],
        }
    )
    submitted = TranscriptSubmitted(
        transcript_id=INTERVIEW, title="Interview 1", study=STUDY, content=content
    )
    whole, *rest = build_ingestion_events(submitted, SIZES)
    assert isinstance(whole, TranscriptIngested)
    chunks = [event for event in rest if isinstance(event, ChunkReady)]
    parts = parts_of(chunks, 1)
    assert len(parts) > 3
    for part in parts:
        assert all(part.text.startswith(f"w{w.start_ms // 1000}", w.offset) for w in part.words)
        assert part.start_ms == part.words[0].start_ms
        assert part.end_ms == part.words[-1].end_ms
    second = chunks[1]
    at = second.segments[0].words[0].start_ms // 1000
    evidence = cite(second, f"w{at - 2}", f"w{at + 3}", number=1)
    assert evidence is not None
    assert (evidence.start_ms, evidence.end_ms) == ((at - 2) * 1000, (at + 3) * 1000 + 500)


def test_the_same_transcript_gives_the_same_chunks_and_ids() -> None:
    assert build(FAMILY["mixed"]) == build(FAMILY["mixed"])


@given(
    st.text(st.sampled_from("ab .!?。我か\u0301"), min_size=1, max_size=300),
    st.integers(1, 80),
    st.integers(0, 80),
)
def test_nothing_is_lost_or_doubled_whatever_is_said(answer: str, most: int, context: int) -> None:
    whole, chunks = build(f"x{answer}", sizes=ChunkSizes(most, context))
    for turn in whole.segments:
        at = 0
        for part in parts_of(chunks, turn.number):
            at += turn.text.startswith(" ", at) and part.text_offset == at + 1
            assert (part.text_offset, bool(part.text)) == (at, True)
            assert turn.text.startswith(part.text, at)
            at += len(part.text)
        assert at == len(turn.text)
    for chunk in chunks:
        is_least = len(chunk.segments) == 1 and len(chunk.segments[0].text) <= 1
        assert (
            is_least
            or sum(estimate_size_in_english_characters(one.text) for one in chunk.segments) <= most
        )
