"""Picks a passage's most telling sentences per theme and question, as a model's notes would."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contracts.notes import DraftEvidence, DraftNote
from contracts.transcript import Role
from simulator.anchors import anchor
from simulator.chance import digest
from simulator.prompt import Passage, Study, Turn
from simulator.sentences import Sentence, split_sentences
from simulator.telling import telling
from simulator.tidying import tidy
from simulator.wording import VAGUE, terms

CHARACTERS_PER_NOTE = 1_200
MOST_NOTES = 8

_LONGEST_STATEMENT = 2_000  # contracts.notes.Statement
_WEAKEST_NOTE = 0.9
_LEAST_MERIT = 0.0
_LEAST_RELEVANCE = 0.75
_MOST_RELEVANCE = 3.0
_TELLING_WEIGHT = 0.5
_ANSWER_WEIGHT = 0.4  # how much of the question just asked an answer is taken to be about,
_ANSWER_SENTENCES = 2  # fully so in its first sentences, half so in what follows
_FAINT_WEIGHT = 0.5
_NAME_WEIGHT = 1.5
_CROWDING = 0.7  # what another note on the same theme is worth of the one before
_ALSO = 0.75  # share of the best theme's relevance at which a second theme is named
_QUESTION_LEAST = 0.55
_TOO_ALIKE = 0.5

Terms = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Candidate:
    turn: Turn
    sentence: Sentence
    terms: frozenset[str]
    merit: float
    themes: dict[str, float]
    questions: dict[str, float]
    tie: str

    @property
    def relevance(self) -> float:
        """How well it fits its best theme, and a little how well its best question."""
        return max(self.themes.values(), default=0.0) + 0.4 * max(
            self.questions.values(), default=0.0
        )

    @property
    def theme(self) -> str:
        return max(self.themes, key=lambda theme: self.themes[theme])


def pick_notes(passage: Passage, seed: int) -> tuple[DraftNote, ...]:
    """Draft notes from what participants say in a passage.

    Args:
        passage: the study and the segments; segments of interviewers and the context are never
            quoted, only used to tell what an answer is about.
        seed: decides between sentences that score the same.

    Returns:
        About one note per `CHARACTERS_PER_NOTE` of participants' talk and at most `MOST_NOTES`, in
        the order they were said; spread over the themes; no two nearly alike. Every statement is
        made of its quote's own words, and its evidence locates exactly that quote.
    """
    turns = [turn for turn in passage.segments if turn.role is not Role.INTERVIEWER]
    candidates = list(_candidates(passage, seed))
    budget = round(sum(len(turn.text) for turn in turns) / CHARACTERS_PER_NOTE)
    picked = _spread(candidates, max(1, min(MOST_NOTES, budget)))
    picked.sort(key=lambda one: (one.turn.number, one.sentence.start))
    return tuple(_note(one) for one in picked)


def _candidates(passage: Passage, seed: int) -> Iterator[_Candidate]:
    rarity = _rarity(turn.text for turn in passage.segments)
    themes = _theme_terms(passage.study)
    questions = {question.id: _even(terms(question.text)) for question in passage.study.questions}
    asked: Turn | None = None
    for turn in (*passage.context, *passage.segments):
        if turn.role is not Role.INTERVIEWER and turn in passage.segments:
            hint = terms(asked.text) if asked and asked.speaker != turn.speaker else frozenset()
            for place, sentence in enumerate(split_sentences(turn.text)):
                weight = _ANSWER_WEIGHT if place < _ANSWER_SENTENCES else _ANSWER_WEIGHT / 2
                asked_about = dict.fromkeys(hint, weight)
                heard = terms(sentence.text)
                yield _Candidate(
                    turn,
                    sentence,
                    heard,
                    telling(sentence.text),
                    _relevances(heard, asked_about, themes, rarity),
                    _relevances(heard, asked_about, questions, rarity),
                    digest(seed, turn.number, sentence.text),
                )
        if turn.role is Role.INTERVIEWER or "?" in turn.text:
            asked = turn


def _theme_terms(study: Study) -> dict[str, Terms]:
    return {
        theme.id: _even(terms(theme.description)) | _even(terms(theme.name), _NAME_WEIGHT)
        for theme in study.themes
    }


def _even(some: Iterable[str], weight: float = 1.0) -> dict[str, float]:
    return {term: weight * (_FAINT_WEIGHT if _faint(term) else 1.0) for term in some}


def _faint(term: str) -> bool:
    """Whether a shared term makes a subject likely rather than certain."""
    return term.startswith("~") or term in VAGUE


def _rarity(texts: Iterable[str]) -> Terms:
    """What each term tells, from 0 to 1: the fewer segments it is in, the more."""
    seen: Counter[str] = Counter()
    total = 0
    for text in texts:
        seen.update(terms(text))
        total += 1
    most = math.log(1 + total)
    return (
        {term: math.log(1 + total / count) / most for term, count in seen.items()} if most else {}
    )


def _relevances(
    heard: frozenset[str], asked_about: Terms, topics: Mapping[str, Terms], rarity: Terms
) -> dict[str, float]:
    """The topics a sentence is about, with how much, leaving out those it does not touch."""
    found: dict[str, float] = {}
    for topic, wanted in topics.items():
        own = sum(
            weight * rarity.get(term, 1.0) for term, weight in wanted.items() if term in heard
        )
        asked = sum(
            weight * asked_about.get(term, 0.0)
            for term, weight in wanted.items()
            if term not in heard
        )
        if together := own + asked:
            # Long descriptions hit more often by chance; the root keeps short ones in the running.
            found[topic] = min(_MOST_RELEVANCE, together * 2.0 / math.sqrt(2.0 + len(wanted) / 4))
    return found


def _spread(candidates: list[_Candidate], budget: int) -> list[_Candidate]:
    """Take the best sentence again and again, each theme being worth less the fuller it is."""
    related = [one for one in candidates if one.themes and one.merit >= _LEAST_MERIT]
    fitting = [
        one
        for one in related
        if max(one.themes.values()) >= _LEAST_RELEVANCE and _worth(one, 0) >= _WEAKEST_NOTE
    ]
    if not fitting:
        # A model that is asked for notes rarely admits that there is nothing to note.
        fitting, budget = [one for one in related if one.merit >= 0], 1
    fitting.sort(key=lambda one: one.tie)
    full: Counter[str] = Counter()
    picked: list[_Candidate] = []
    while fitting and len(picked) < budget:
        best = max(fitting, key=lambda one: _worth(one, full[one.theme]))
        if anchor(best.turn.text, best.sentence):
            picked.append(best)
            full[best.theme] += 1
        fitting = [one for one in fitting if one is not best and not _alike(one, best)]
    return picked


def _worth(one: _Candidate, notes_on_theme: int) -> float:
    return (one.relevance + _TELLING_WEIGHT * one.merit) * _CROWDING**notes_on_theme


def _alike(one: _Candidate, other: _Candidate) -> bool:
    if not one.terms or not other.terms:
        return one.sentence.text.casefold() == other.sentence.text.casefold()
    shared = len(one.terms & other.terms)
    return shared >= _TOO_ALIKE * len(one.terms | other.terms)


def _note(one: _Candidate) -> DraftNote:
    words = anchor(one.turn.text, one.sentence)
    assert words, "sentences without anchors are not picked"
    return DraftNote(
        statement=tidy(one.sentence.text)[:_LONGEST_STATEMENT],
        evidence=(
            DraftEvidence(
                segment=one.turn.number,
                first_words=words.first_words,
                last_words=words.last_words,
            ),
        ),
        themes=_best(one.themes, 2),
        questions=tuple(
            question
            for question in _best(one.questions, 2)
            if one.questions[question] >= _QUESTION_LEAST
        ),
    )


def _best(topics: Mapping[str, float], most: int) -> tuple[str, ...]:
    """The most fitting topics, best first: the best, and those nearly as good."""
    ranked = sorted(topics, key=lambda topic: -topics[topic])[:most]
    return tuple(topic for topic in ranked if topics[topic] >= _ALSO * topics[ranked[0]])
