"""What a model names is found and copied exactly, or not at all."""

from __future__ import annotations

import pytest

from contracts.notes import DraftEvidence, Note
from contracts.transcript import Role, Segment, WordTiming
from grounding import assess_note, check_statement, recheck_note
from grounding.evidence import copy_evidence, find_passage, resolve_citations
from unit.grounding.drafts import chunk, draft, failed, segment

TALK = "Well, we pay “$40 a month” — that\u2019s it. I don't know… we pay forty (four-oh) dollars!"


@pytest.mark.parametrize(
    ("first", "last", "quote"),
    [
        ("", "", TALK),
        ("we pay $40", "a month", "we pay “$40 a month”"),
        ("WE PAY", "that's it", "we pay “$40 a month” — that\u2019s it."),
        ("40 a month", "", TALK[TALK.index("“$40") :]),
        ("", "that's it.", TALK[: TALK.index(" I don't")]),
        ("I don\u2019t know...", "pay forty", "I don't know… we pay forty"),
        ("four oh", "dollars", "(four-oh) dollars!"),
        ("that's it. I", "it. I don't know", "that\u2019s it. I don't know…"),
        ("that's it. I don't", "don't", "that\u2019s it. I don't"),
        ("we pay", "dollars", TALK[TALK.index("we pay") :]),
        ("—", "…", TALK),
    ],
)
def test_copies_the_passage_that_the_words_name(first: str, last: str, quote: str) -> None:
    found = find_passage(TALK, first, last)
    assert found is not None
    assert TALK[slice(*found)] == quote


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("we paid $40", ""),
        ("we pay $50", ""),
        ("", "a year"),
        ("dollars", "a month"),
        ("we pay forty dollars", ""),
        ("pay forty four oh", "we pay"),
        ("pa", ""),
    ],
)
def test_rejects_a_quote_that_is_near_but_not_there(first: str, last: str) -> None:
    assert find_passage(TALK, first, last) is None


def test_takes_the_shortest_passage_from_the_first_place() -> None:
    text = "we pay now. we pay later. we pay never."
    assert find_passage(text, "we pay", "we pay never") == (0, len(text))
    assert find_passage(text, "we pay", "pay later") == (0, 25)
    assert find_passage(text, "we pay", "pay") == (0, 6)


def test_finds_composed_and_decomposed_letters_alike() -> None:
    assert find_passage("the cafe\u0301 closed", "café", "") == (4, 16)


def test_never_ends_inside_a_word() -> None:
    assert find_passage("a well-known—and cheap—tool", "well", "known") == (2, 12)
    assert find_passage("it's 3.5-inch wide", "it's", "3.5") == (0, 8)


def test_a_passage_without_a_word_is_no_evidence() -> None:
    assert find_passage(" … ", "", "") is None


def test_merges_passages_that_overlap_or_repeat_in_the_transcripts_order() -> None:
    there = chunk(segment(1, "one two three four five six"), segment(2, "seven eight"))
    cited = [
        DraftEvidence(segment=2),
        DraftEvidence(segment=1, first_words="three", last_words="five"),
        DraftEvidence(segment=1, first_words="two", last_words="four"),
        DraftEvidence(segment=2, first_words="seven"),
        DraftEvidence(segment=1, first_words="six"),
    ]
    found = resolve_citations(cited, there).found
    assert [(one.segment.number, one.quote) for one in found] == [
        (1, "two three four five"),
        (1, "six"),
        (2, "seven eight"),
    ]


def _timed() -> Segment:
    timings = ((0, 1000, 1200), (4, 1300, 1500), (9, 1600, 2000))
    return Segment(
        number=1,
        speaker="Ana",
        role=Role.PARTICIPANT,
        text='We "pay $40," mostly',
        start_ms=900,
        end_ms=5000,
        words=tuple(WordTiming(offset=at, start_ms=a, end_ms=b) for at, a, b in timings),
    )


def test_takes_times_from_the_words_of_the_quote() -> None:
    (found,) = resolve_citations(
        [DraftEvidence(segment=1, first_words="pay", last_words="40")], chunk(_timed())
    ).found
    evidence = copy_evidence(found)
    assert evidence.quote == '"pay $40,"'
    assert (evidence.speaker, evidence.role) == ("Ana", Role.PARTICIPANT)
    assert (evidence.start_ms, evidence.end_ms) == (1300, 2000)


def test_takes_times_from_the_segment_where_words_have_none() -> None:
    untimed = _timed().model_copy(update={"words": ()})
    (found,) = resolve_citations(
        [DraftEvidence(segment=1, first_words="pay")], chunk(untimed)
    ).found
    assert (copy_evidence(found).start_ms, copy_evidence(found).end_ms) == (900, 5000)


def test_the_same_note_has_the_same_id_whatever_the_order_of_its_evidence() -> None:
    there = chunk(segment(1, "We pay forty dollars."), segment(2, "It is fine."))
    ones = (DraftEvidence(segment=1), DraftEvidence(segment=2))
    first, again = (assess_note(draft("They pay $40.", *way), there) for way in (ones, ones[::-1]))
    other = assess_note(draft("They pay $40.", ones[0]), there)
    assert isinstance(first, Note)
    assert isinstance(again, Note)
    assert isinstance(other, Note)
    assert first == again
    assert first.note_id != other.note_id


def test_very_many_digits_are_read_without_failing() -> None:
    there = chunk(segment(1, "9" * 6000 + " thousand million dollars"))
    assert failed(assess_note(draft("It was 4 dollars"), there)) == ["number_may_follow"]


def test_quotes_of_other_chunks_and_of_the_context_are_no_reason_to_fail() -> None:
    there = chunk(
        segment(2, "We pay forty dollars."), context=(segment(1, "We pay forty dollars."),)
    )
    note = assess_note(draft("We pay forty dollars.", DraftEvidence(segment=2)), there)
    assert isinstance(note, Note)
    (own,) = note.evidence
    # As notes that say the same have them.
    others = (own.model_copy(update={"segment": number}) for number in (1, 7))
    shown = note.model_copy(update={"evidence": (own, *others)})
    assert recheck_note(shown, there) == ()
    assert check_statement(shown, "We pay forty dollars.", there).evidence == (own,)
