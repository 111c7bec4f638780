"""The model is told, shortly and by number, what was wrong with which note."""

from __future__ import annotations

from contracts.notes import DraftEvidence, DraftNote
from grounding import assess_notes, format_feedback
from unit.grounding.drafts import chunk, draft, segment

THERE = chunk(segment(1, "Honestly, I would not recommend it to my friends. We pay forty."))


def _feedback(*notes: DraftNote) -> str:
    return format_feedback(assess_notes(notes, THERE).rejected)


def test_names_the_nearest_passage_when_a_quote_is_not_found() -> None:
    cited = DraftEvidence(segment=1, first_words="I would recommend it", last_words="friends")
    text = _feedback(draft("They would recommend it.", cited))
    assert text.startswith("1. “They would recommend it.”: The words cited from segment 1 are not")
    assert "The nearest passage there is “" in text
    assert "“I would not recommend it to”." in text


def test_numbers_the_notes_and_gives_each_its_reasons() -> None:
    lines = _feedback(
        draft("They pay $45."), draft("They would recommend it to friends.", theme="weather")
    ).splitlines()
    assert [line[:2] for line in lines] == ["1.", "2."]
    assert "The cited passage does not say “45”." in lines[0]
    assert "Its themes are: price, trust." in lines[1]
    assert "differ in what they negate" in lines[1]


def test_stays_short_whatever_the_draft() -> None:
    notes = [draft(f"{'They pay. ' * 150} {number + 100}") for number in range(60)]
    text = _feedback(*notes)
    assert len(text) < 8_000
    assert text.endswith("And 40 more of the same kind.")


def test_is_never_empty() -> None:
    assert format_feedback([])
