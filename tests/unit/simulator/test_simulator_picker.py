"""The picker quotes participants only, exactly, and words notes from their words alone."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.transcript import Role
from simulator.anchors import find_anchor_words
from simulator.cleanup import clean_up_sentence
from simulator.picker import CHARACTERS_PER_NOTE, MAX_NOTES, draft_notes_from_noteworthy_sentences
from simulator.prompt import PromptPassage, PromptSegment
from simulator.salience import score_salience
from simulator.sentences import split_segment_sentences

REV_INTERVIEWS = (
    Path(__file__).parents[4] / "shared" / "data" / "interviews" / "rev"
)  # beside the repository, read in place

STUDY: dict[str, Any] = {
    "name": "Warm homes",
    "language": "en",
    "themes": [
        {"id": "cost", "name": "Cost", "description": "Prices, bills, what people can afford"},
        {"id": "trust", "name": "Trust", "description": "Whether installers are believed"},
        {
            "id": "comfort",
            "name": "Comfort",
            "description": "Warm rooms, noise, how the home feels",
        },
    ],
    "questions": [{"id": "q1", "text": "What do people pay for heating each month?"}],
}

# The machine may be busy, and a failure has to come back when it is looked into.
REPEATABLE = settings(deadline=None, derandomize=True)

VOCABULARY = """
    i we the a house boiler pump installer price pay paid bill sixty 40 3.5 never not don't didn't
    trust warm cold noise because more better um uh, you know, I, wait, quote Dr. really really...
    (laughs) said “well it was th- three pounds. Why? no! and, but… so
"""
WORDS = st.sampled_from(VOCABULARY.split())
TALK = st.lists(WORDS, min_size=1, max_size=80).map(" ".join) | st.text(min_size=1, max_size=200)
TURNS = st.lists(st.tuples(st.sampled_from(sorted(Role)), TALK), min_size=1, max_size=12)


def passage(
    turns: list[tuple[Role, str]], context: tuple[dict[str, Any], ...] = ()
) -> PromptPassage:
    segments = [
        {"number": number, "speaker": f"{role} {number % 2}", "role": role, "text": text}
        for number, (role, text) in enumerate(turns, start=1)
    ]
    return PromptPassage.model_validate({"study": STUDY, "context": context, "segments": segments})


def quote(turn: PromptSegment, first_words: str, last_words: str) -> str:
    start = turn.text.index(first_words)
    return turn.text[start : turn.text.index(last_words, start) + len(last_words)]


def bag(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.casefold()))


@REPEATABLE
@given(TURNS, st.integers(0, 3))
def test_every_note_is_made_of_a_participants_own_words(
    turns: list[tuple[Role, str]], seed: int
) -> None:
    asked = passage(turns)
    by_number = {turn.number: turn for turn in asked.segments}
    sentences = {
        (turn.number, sentence.text)
        for turn in asked.segments
        for sentence in split_segment_sentences(turn.text)
    }
    for note in draft_notes_from_noteworthy_sentences(asked, seed):
        (evidence,) = note.evidence
        turn = by_number[evidence.segment]
        quoted = quote(turn, evidence.first_words, evidence.last_words)
        assert turn.role is not Role.INTERVIEWER
        assert (turn.number, quoted) in sentences
        assert bag(note.statement) <= bag(quoted)
        assert set(note.themes) <= {"cost", "trust", "comfort"}
        assert note.themes


@REPEATABLE
@given(TALK)
def test_sentences_are_slices_that_lose_no_word(text: str) -> None:
    found = list(split_segment_sentences(text))
    assert all(text[one.start : one.end] == one.text for one in found)
    assert sum((bag(one.text) for one in found), Counter()) == bag(text)


@REPEATABLE
@given(TALK)
def test_anchors_locate_their_sentence_and_nothing_else(text: str) -> None:
    for sentence in split_segment_sentences(text):
        words = find_anchor_words(text, sentence)
        if words is None:
            continue
        start = text.index(words.first_words)
        end = text.index(words.last_words, start) + len(words.last_words)
        assert (start, end) == (sentence.start, sentence.end)


@REPEATABLE
@given(TALK)
def test_tidying_keeps_every_number_and_negation(text: str) -> None:
    tidied = bag(clean_up_sentence(text))
    assert tidied <= bag(text)
    kept = {"sixty", "40", "3", "5", "three", "never", "not", "no", "don", "didn"}
    assert {word for word in bag(text) if word in kept} == {w for w in tidied if w in kept}


@REPEATABLE
@given(TURNS)
def test_the_same_seed_picks_the_same_notes(turns: list[tuple[Role, str]]) -> None:
    assert draft_notes_from_noteworthy_sentences(
        passage(turns), 5
    ) == draft_notes_from_noteworthy_sentences(passage(turns), 5)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It was 3.5 kilowatts. Dr. Hill said so.", ["It was 3.5 kilowatts.", "Dr. Hill said so."]),
        ("We waited... and waited. Then no one.", ["We waited... and waited.", "Then no one."]),
        ("I asked J. R. Hill about it. He left!", ["I asked J. R. Hill about it.", "He left!"]),
        ("Well… “Never again.” That was that.", ["Well…", "“Never again.”", "That was that."]),
        ("... it might be 20-", ["it might be 20-"]),
        ("...", []),
    ],
)
def test_splits_talk_into_sentences(text: str, sentences: list[str]) -> None:
    assert [one.text for one in split_segment_sentences(text)] == sentences


@pytest.mark.parametrize(
    ("quoted", "statement"),
    [
        ("Um, so I, I'll call her my, uh, sister.", "I'll call her my sister."),
        ("And, you know, it was, it was sixty pounds", "It was sixty pounds."),
        ("So m- my dad (laughs) never, never paid.", "My dad never, never paid."),
        ("No, I don't, I don't know.", "No, I don't know."),
        ("It was like, sixty, no, seventy euros.", "It was like, sixty, no, seventy euros."),
        ("So much of it was very, very loud.", "So much of it was very, very loud."),
        ("Well, I had had enough of them.", "I had had enough of them."),
        ("Um.", "Um."),
    ],
)
def test_words_a_quote_as_a_note(quoted: str, statement: str) -> None:
    assert clean_up_sentence(quoted) == statement


def test_prefers_telling_sentences_to_backchannels_questions_and_fragments() -> None:
    score = score_salience("We paid sixty pounds a month and I never trusted the installer.")
    assert score > 1
    for poorer in ("Yeah, sure.", "Did you pay more than that for the pump?", "It was the, the-"):
        assert score_salience(poorer) < 0


def test_spreads_notes_over_themes_and_leaves_out_near_repeats() -> None:
    answers = [
        "The bill was four hundred pounds a month and we could not afford it.",
        "I mean the bill was four hundred pounds a month, we could not afford it.",
        "I never trusted the installer because he promised more than he delivered.",
        "My bedroom is warm now and I sleep better than before the pump came.",
    ]
    filler = "Well then after that we all went out into the garden with the dogs and such. " * 12
    turns = [(Role.PARTICIPANT, text) for text in (*answers, filler * 5)]
    notes = draft_notes_from_noteworthy_sentences(passage(turns), 1)
    assert [note.themes[0] for note in notes] == ["cost", "trust", "comfort"]
    assert notes[0].questions == ("q1",)


def test_an_answer_is_about_what_was_asked() -> None:
    turns = [
        (Role.INTERVIEWER, "How much is your heating bill each month, what do you pay?"),
        (Role.PARTICIPANT, "I think we are at sixty now, and never less than that."),
    ]
    (note,) = draft_notes_from_noteworthy_sentences(passage(turns), 1)
    assert note.themes == ("cost",)
    assert note.evidence[0].segment == 2


def test_never_quotes_context() -> None:
    before = ({"number": 1, "role": "participant", "text": "I paid forty pounds for that bill."},)
    turns = [(Role.PARTICIPANT, "Mm-hmm."), (Role.PARTICIPANT, "Yeah.")]
    assert draft_notes_from_noteworthy_sentences(passage(turns, before), 1) == ()


@pytest.mark.skipif(
    not REV_INTERVIEWS.is_dir(), reason="the recorded interviews in ../shared/data are absent"
)
def test_finds_notes_in_recorded_interviews() -> None:
    for turns in map(_recorded, sorted(REV_INTERVIEWS.glob("*.json"))):
        asked = passage(turns)
        notes = draft_notes_from_noteworthy_sentences(asked, 1)
        size = sum(len(turn.text) for turn in asked.segments)
        assert 1 <= len(notes) <= min(MAX_NOTES, 1 + size // CHARACTERS_PER_NOTE)


def _recorded(path: Path) -> list[tuple[Role, str]]:
    monologues = json.loads(path.read_text(encoding="utf-8"))["monologues"]
    texts = ("".join(span["value"] for span in one["spans"]).strip() for one in monologues)
    return [(Role.UNKNOWN, text) for text in texts if text]


@pytest.mark.parametrize(
    "talk",
    [
        "and the boiler we paid for was never warm ",  # clauses, but no sentence
        "We never paid 40 pounds for the boiler. ",  # sentences none but the first can be told from
        "word ",
        "! ",
        ". ",
        "a",
        "…",
        "<boiler ",
    ],
)
def test_reads_a_very_long_turn_in_time_proportional_to_its_length(talk: str) -> None:
    text = (talk * (300_000 // len(talk))).strip()
    begun = time.process_time()
    draft_notes_from_noteworthy_sentences(passage([(Role.PARTICIPANT, text)]), seed=7)
    assert time.process_time() - begun < 15  # a second or two; it was minutes when quadratic
