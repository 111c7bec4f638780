"""Evidence from a part of a long turn is a range of the whole turn."""

from __future__ import annotations

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, Note
from contracts.transcript import Segment
from grounding import assess_note, recheck_note
from grounding.evidence import copy_evidence, resolve_citations
from unit.grounding.drafts import chunk, draft, failed, segment

TURN = "It was cold. I would not recommend it to anyone. We pay forty dollars. It was warm."


def cut(turn: str, begin: str, end: str = "") -> Segment:
    """Return the part of a turn from some words to others."""
    at = turn.index(begin)
    text = turn[at : turn.index(end, at) + len(end)] if end else turn[at:]
    return segment(1, text).model_copy(update={"text_offset": at})


def part(context: Segment, own: Segment) -> ChunkReady:
    """A chunk of one part of a turn, with the one before as context."""
    return chunk(own, context=(context,))


def test_a_quote_across_the_cut_is_evidence_of_the_whole_turn() -> None:
    there = part(cut(TURN, "I would", "to anyone."), cut(TURN, "We pay"))
    cited = DraftEvidence(segment=1, first_words="to anyone", last_words="forty dollars")
    (found,) = resolve_citations([cited], there).found
    evidence = copy_evidence(found)
    assert evidence.quote == "to anyone. We pay forty dollars."
    assert TURN[evidence.start : evidence.start + evidence.length] == evidence.quote


def test_words_that_stand_in_both_are_cited_from_the_part() -> None:
    there = part(cut(TURN, "It was cold", "anyone."), cut(TURN, "We pay"))
    cited = DraftEvidence(segment=1, first_words="It was")
    (found,) = resolve_citations([cited], there).found
    assert copy_evidence(found).start == TURN.rindex("It was")


def test_a_passage_that_begins_before_the_cut_ends_behind_it() -> None:
    turn = "We pay forty. It rose. It costs more. We pay sixty."
    there = part(cut(turn, "We pay", "It rose."), cut(turn, "It costs"))
    cited = DraftEvidence(segment=1, first_words="It rose", last_words="It")
    (found,) = resolve_citations([cited], there).found
    assert found.quote == "It rose. It"


def test_what_lies_in_the_context_alone_is_refused_and_the_reason_says_so() -> None:
    there = part(cut(TURN, "I would", "anyone."), cut(TURN, "We pay"))
    note = draft(
        "I would not recommend it.",
        DraftEvidence(segment=1, first_words="I would", last_words="recommend it"),
    )
    verdict = assess_note(note, there)
    assert failed(verdict) == ["quote_not_found"]
    assert not isinstance(verdict, Note)
    assert "context, which may be read but not cited" in verdict.failures[0].reason


def test_a_negation_before_the_cut_is_seen() -> None:
    there = part(cut(TURN, "It was cold", "not"), cut(TURN, "recommend"))
    note = draft(
        "They recommend it to anyone.",
        DraftEvidence(segment=1, first_words="recommend it", last_words="to anyone"),
    )
    assert "negation_mismatch" in failed(assess_note(note, there))


def test_context_that_does_not_touch_the_part_is_not_joined_to_it() -> None:
    there = part(cut(TURN, "It was cold", "cold."), cut(TURN, "We pay"))
    cited = DraftEvidence(segment=1, first_words="cold", last_words="We pay")
    assert not resolve_citations([cited], there).found


def test_a_stored_note_is_checked_again_by_its_place_in_the_whole_turn() -> None:
    there = part(cut(TURN, "I would", "anyone."), cut(TURN, "We pay"))
    note = assess_note(
        draft("They pay forty dollars.", DraftEvidence(segment=1, first_words="We pay")), there
    )
    assert isinstance(note, Note)
    assert note.evidence[0].start == TURN.index("We pay")
    whole = chunk(segment(1, TURN))
    assert recheck_note(note, there) == recheck_note(note, whole) == ()
