"""Each check of wording: what it lets through and what it refuses."""

from __future__ import annotations

import pytest

from contracts.notes import DraftEvidence
from grounding import assess_note
from unit.grounding.drafts import chunk, draft, failed, segment

UNSUPPORTED = [
    ("name_not_in_evidence", "He showed it to Priya.", "He showed it to Anna."),
    ("relation_differs", "Doctor Reyes called.", "Mrs. Reyes called."),
    ("name_not_in_evidence", "They moved to Leeds.", "We moved to York."),
    ("relation_differs", "Her sister runs the shop.", "My mother runs the shop."),
    ("quoted_words_not_said", "He calls it “a miracle”.", "I call it a nuisance."),
    ("quantifier_differs", "Everyone liked the trial.", "Some people liked the trial."),
    ("quantifier_differs", "Few customers come back.", "Many customers come back."),
    ("quantifier_differs", "They always forget the key.", "They sometimes forget the key."),
    ("modality_differs", "She will buy the printer.", "I might buy the printer."),
    ("modality_differs", "He pays for a faster printer.", "I would pay for a faster printer."),
    ("modality_differs", "It definitely broke in transit.", "Maybe it broke in transit."),
    ("time_differs", "They met on Friday.", "We met on Monday."),
    ("time_differs", "He checks it every week.", "I check it every month."),
    ("time_differs", "They opened in May.", "We opened in March, in the rain."),
    ("time_differs", "They opened in March.", "We opened in May, in the rain."),
    ("time_differs", "She left after the launch.", "I left before the launch."),
    ("tense_differs", "They run the shop together.", "We used to run the shop together."),
    ("tense_differs", "The manual is useless.", "The manual was useless."),
    (
        "opposite_said",
        "The new tool is slower than the old.",
        "The new tool is faster than the old.",
    ),
    ("opposite_said", "The printer is expensive to run.", "The printer is cheap to run."),
    ("opposite_said", "Trains are cheaper than buses.", "Trains are more expensive than buses."),
    ("content_not_in_evidence", "The garden needs watering.", "The printer jams on thick paper."),
]
SUPPORTED = [
    ("Doctor Reyes called her back.", "Dr. Reyes called me back."),
    ("They opened in May.", "we opened in may, i think"),
    ("Only a few guests stayed late.", "Hardly any guests stayed late."),
    ("Drivers are supposed to sign the list.", "Drivers should sign the list."),
    ("It is possible that the shop will move.", "The shop could move, it's possible."),
    ("She wants a quieter desk.", "I'd want a quieter desk, I think."),
    ("Anna showed the printer to him.", "I showed the printer to him, Anna did too."),
    ("Her mum runs the shop.", "My mother runs the shop."),
    ("He calls it “a nuisance”.", "I call it a nuisance, really."),
    ("Every customer comes back.", "All customers come back."),
    ("She said she would buy the printer.", "I will buy the printer."),
    ("The manual was useless.", "The manual is useless."),
    ("They will move soon.", "We're gonna move soon."),
    ("He checks it daily.", "I check it every day."),
    ("They used to run the shop together.", "We used to run the shop together."),
    ("They paid in advance.", "We pay in advance, and we paid then too."),
]


@pytest.mark.parametrize(("check", "statement", "quote"), UNSUPPORTED)
def test_refuses_wording_that_the_evidence_does_not_have(
    check: str, statement: str, quote: str
) -> None:
    assert check in failed(assess_note(draft(statement), chunk(segment(1, quote))))


@pytest.mark.parametrize(("statement", "quote"), SUPPORTED)
def test_accepts_the_same_in_other_words(statement: str, quote: str) -> None:
    assert failed(assess_note(draft(statement), chunk(segment(1, quote)))) == []


def test_rejects_words_attributed_to_another_speaker() -> None:
    there = chunk(segment(1, "The printer jams on thick paper."), segment(2, "Mine does not."))
    output = draft("S2 said: The printer jams on thick paper.", DraftEvidence(segment=1))
    assert "said_by_another" in failed(assess_note(output, there))


def test_a_speakers_label_counts_and_names_nothing() -> None:
    there = chunk(segment(1, "The printer jams on thick paper."))
    assert failed(assess_note(draft("S1 says the printer jams on thick paper."), there)) == []
