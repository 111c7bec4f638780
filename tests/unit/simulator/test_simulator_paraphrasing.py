"""The paraphrasing mode writes notes of set rates, true and false, and its labels are right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.transcript import Role
from simulator.paraphrasing import (
    FalseNoteKind,
    LabelledNote,
    ParaphrasingRates,
    TrueNoteKind,
    write_labelled_notes,
)
from simulator.prompt import PromptPassage, PromptSegment, PromptStudy, PromptTheme
from transcripts import read_transcript

GARDEN = Path(__file__).parents[3] / "libs" / "evaluation" / "interviews" / "garden.txt"
STUDY = PromptStudy(themes=(PromptTheme(id="all"),))
EXAMPLES = {
    FalseNoteKind.ROLE_SWAP: ["Ben: My brother hired me for the summer.", "I hired"],
    FalseNoteKind.ATTRIBUTION: ["Ben: I sold the old house in May.", "Eve"],
    FalseNoteKind.CAUSE: ["Ben: I moved to Leeds and I sold the house.", " because "],
    FalseNoteKind.QUESTION_AS_STATEMENT: [
        "Ann: Did you sell the old house in May?",
        "Ben: No, I rented it to a friend of mine.",
        "did sell the old house",
    ],
    FalseNoteKind.HYPOTHETICAL_AS_FACT: [
        "Ben: I would sell the house for a good price.",
        " sell the",
    ],
    FalseNoteKind.SENTIMENT: ["Ben: We were happy with the new school.", "upset"],
    FalseNoteKind.HEDGE_DROPPED: [
        "Ben: Maybe the rent went up after the war.",
        "went up after the war.",
    ],
    FalseNoteKind.RETRACTED: [
        "Ben: We paid for the whole roof. No, wait, half of it.",
        "the whole roof.",
    ],
    FalseNoteKind.OVER_GENERAL: ["Ben: Some of my neighbors moved to the coast.", "ll of "],
    FalseNoteKind.NEGATION_LOST: ["Ben: They have never repaired the lift here.", "have repaired"],
    FalseNoteKind.EXCEPTION_DROPPED: [
        "Ben: I like all of the rooms except the kitchen.",
        "all of the rooms.",
    ],
    FalseNoteKind.SARCASM: [
        "Ben: Oh great, I love waiting for the bus in the rain.",
        "love waiting",
    ],
    FalseNoteKind.TENSE: ["Ben: There was a bakery on the corner.", "here is a bakery"],
    FalseNoteKind.UNMET_CONDITION: [
        "Ben: If it rains, we take the bus to school.",
        "take the bus to",
    ],
    FalseNoteKind.NUMBER: ["Ben: I paid 40 pounds for the bike.", "pounds for the bike"],
}
DROPPED = {
    FalseNoteKind.ROLE_SWAP: "hired me",
    FalseNoteKind.HYPOTHETICAL_AS_FACT: "would",
    FalseNoteKind.HEDGE_DROPPED: "maybe",
    FalseNoteKind.RETRACTED: "half",
    FalseNoteKind.OVER_GENERAL: "some",
    FalseNoteKind.NEGATION_LOST: "never",
    FalseNoteKind.EXCEPTION_DROPPED: "kitchen",
    FalseNoteKind.SENTIMENT: "happy",
    FalseNoteKind.TENSE: "was",
    FalseNoteKind.UNMET_CONDITION: "rains",
    FalseNoteKind.NUMBER: "40",
}
"""Words of the passage that the false note of a kind does not have."""


def passage_of(*lines: str) -> PromptPassage:
    turns = [line.split(": ", 1) for line in lines]
    segments = tuple(
        PromptSegment(
            number=number,
            speaker=speaker,
            role=Role.INTERVIEWER if speaker == "Ann" else Role.PARTICIPANT,
            text=text,
        )
        for number, (speaker, text) in enumerate(turns, start=1)
    )
    return PromptPassage(study=STUDY, segments=segments)


def garden() -> PromptPassage:
    segments = read_transcript(GARDEN.read_text("utf-8")).segments
    return PromptPassage(
        study=STUDY,
        segments=tuple(
            PromptSegment(number=one.number, speaker=one.speaker, role=one.role, text=one.text)
            for one in segments
        ),
    )


def only(kind: TrueNoteKind | FalseNoteKind, notes: int = 4) -> ParaphrasingRates:
    if isinstance(kind, FalseNoteKind):
        return ParaphrasingRates(tidied=0, faithful=0, weights={kind: 1}, notes=notes)
    shares = {"tidied": 0, "faithful": 0} | {kind.value: 1}
    return ParaphrasingRates(**shares, notes=notes)


def write_many(rates: ParaphrasingRates, seeds: int) -> list[LabelledNote]:
    passage = garden()
    return [one for seed in range(seeds) for one in write_labelled_notes(passage, rates, seed)]


@pytest.mark.parametrize("kind", FalseNoteKind)
def test_a_false_note_changes_what_the_passage_says(kind: FalseNoteKind) -> None:
    *lines, expected = EXAMPLES[kind]
    others = ["Eve: The weather was fine."] if kind is FalseNoteKind.ATTRIBUTION else []
    passage = passage_of(*lines, *others)
    written = [one for seed in range(12) for one in write_labelled_notes(passage, only(kind), seed)]
    assert written
    assert {one.kind for one in written} == {kind}
    assert not any(one.is_true for one in written)
    statements = {one.note.statement for one in written}
    assert any(expected in statement for statement in statements), statements
    dropped = DROPPED.get(kind)
    if dropped:
        assert not any(dropped in one.casefold() for one in statements if expected in one)


@pytest.mark.parametrize(
    "limit", ["Except for my aunt.", "Unless it rains.", "I guess.", "That's what my wife says."]
)
def test_what_the_next_sentence_limits_is_told_as_false_and_never_as_true(limit: str) -> None:
    passage = passage_of(f"Ben: Everybody walks to the market on Fridays. {limit}")
    true = [*write_labelled_notes(passage, only(TrueNoteKind.TIDIED), 1)]
    assert not [one for one in true if "market" in one.note.statement]
    false = ParaphrasingRates(
        tidied=0,
        faithful=0,
        weights=dict.fromkeys(
            (
                FalseNoteKind.EXCEPTION_DROPPED,
                FalseNoteKind.UNMET_CONDITION,
                FalseNoteKind.HEDGE_DROPPED,
                FalseNoteKind.ATTRIBUTION,
            ),
            1,
        ),
        notes=30,
    )
    assert any("market" in one.note.statement for one in write_labelled_notes(passage, false, 1))


@pytest.mark.parametrize(
    "line",
    [
        "Ben: Did I sell the old house in May?",
        "Ben: I sold the old house in May. No, wait, it was June.",
        "Ben: Suppose that we move. I sell the old house in May.",
        "Ben: My boss said, I sold the old house in May.",
        "Ben: I sold the old house in May (laughs).",
        "Ben: I sold the old house in...",
    ],
)
def test_what_is_not_plainly_said_is_no_true_note(line: str) -> None:
    passage = passage_of(line)
    for kind in TrueNoteKind:
        written = write_labelled_notes(passage, only(kind), 3)
        assert not [one for one in written if "old house" in one.note.statement]


def test_rates_are_kept_over_long_passages() -> None:
    rates = ParaphrasingRates(tidied=0.5, faithful=0.1, notes=10)
    kinds = Counter(one.kind for one in write_many(rates, 60))
    false = sum(count for kind, count in kinds.items() if isinstance(kind, FalseNoteKind))
    assert kinds[TrueNoteKind.TIDIED] / kinds.total() == pytest.approx(0.5, abs=0.06)
    assert false / kinds.total() == pytest.approx(0.4, abs=0.06)


def test_every_kind_is_written_on_the_interview_of_the_evaluation() -> None:
    kinds = {one.kind for one in write_many(ParaphrasingRates(notes=30), 20)}
    assert kinds == {*TrueNoteKind, *FalseNoteKind}


def test_every_note_cites_the_words_that_it_is_made_of() -> None:
    texts = {one.number: one.text for one in garden().segments}
    for one in write_many(ParaphrasingRates(notes=30), 5):
        own = one.note.evidence[0]
        assert one.spoken in texts[own.segment]
        assert own.first_words in one.spoken
        assert one.spoken.endswith(own.last_words)


def test_the_same_passage_and_seed_give_the_same_notes_and_another_seed_others() -> None:
    first = write_labelled_notes(garden(), ParaphrasingRates(), 1)
    assert write_labelled_notes(garden(), ParaphrasingRates(), 1) == first
    assert write_labelled_notes(garden(), ParaphrasingRates(), 2) != first


@pytest.mark.parametrize(
    "fields", [{"tidied": 0.8, "faithful": 0.3}, {"weights": {}}, {"notes": 0}, {"truth": 1}]
)
def test_rates_that_make_no_sense_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ParaphrasingRates.model_validate(fields)
