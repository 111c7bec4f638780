"""Choice of a passage's most informative sentences per theme and question, as notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contracts.notes import DraftEvidence, DraftNote
from contracts.transcript import Role
from simulator.anchors import find_anchor_words
from simulator.cleanup import clean_up_sentence
from simulator.prompt import PromptPassage, PromptSegment
from simulator.relevance import RelevanceScorer, TopicRelevance
from simulator.salience import score_salience
from simulator.seeded_random import compute_stable_digest
from simulator.sentences import SentenceSlice, split_segment_sentences
from simulator.wording import extract_terms

CHARACTERS_PER_NOTE = 1_200
MAX_NOTES = 8

_MAX_STATEMENT_CHARACTERS = 2_000  # contracts.notes.Statement
_WEAKEST_NOTE = 0.9
_MIN_MERIT = 0.0
_MIN_RELEVANCE = 0.75
_SALIENCE_WEIGHT = 0.5
_QUESTION_WEIGHT = 0.4
_CROWDING = 0.55  # what another note on the same theme is worth of the one before
_ALSO = 0.75  # share of the best theme's relevance at which a second theme is named
_QUESTION_LEAST = 0.55
_TOO_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class _Candidate:
    turn: PromptSegment
    sentence: SentenceSlice
    terms: frozenset[str]
    merit: float
    relevance: TopicRelevance
    tie: str


def draft_notes_from_noteworthy_sentences(
    passage: PromptPassage, seed: int
) -> tuple[DraftNote, ...]:
    """Pick noteworthy sentences in a part of an interview, and make draft notes of them.

    Args:
        passage: the study and the segments; segments of interviewers and the context are never
            quoted, only used to find what an answer is about.
        seed: decides between sentences that score the same.

    Returns:
        About one note per `CHARACTERS_PER_NOTE` of participants' talk and at most `MAX_NOTES`, in
        the order they were said; spread over the themes; no two nearly alike. Every statement is
        made of its quote's own words, and its evidence locates exactly that quote.
    """
    turns = [turn for turn in passage.segments if turn.role is not Role.INTERVIEWER]
    candidates = list(_candidates(passage, seed))
    budget = round(sum(len(turn.text) for turn in turns) / CHARACTERS_PER_NOTE)
    picked = _spread(candidates, max(1, min(MAX_NOTES, budget)))
    picked.sort(key=lambda one: (one.turn.number, one.sentence.start))
    return tuple(_note(one) for one in picked)


def _candidates(passage: PromptPassage, seed: int) -> Iterator[_Candidate]:
    scorer = RelevanceScorer.for_passage(passage)
    asked = _last_question(passage.context, None)
    for turn in passage.segments:
        if turn.role is not Role.INTERVIEWER:
            subject = (
                extract_terms(asked.text)
                if asked and asked.speaker != turn.speaker
                else frozenset()
            )
            for place, sentence in enumerate(split_segment_sentences(turn.text)):
                terms = extract_terms(sentence.text)
                yield _Candidate(
                    turn,
                    sentence,
                    terms,
                    score_salience(sentence.text),
                    scorer.score(terms, subject, place),
                    compute_stable_digest(seed, turn.number, sentence.text),
                )
        asked = _last_question((turn,), asked)


def _last_question(
    turns: Iterable[PromptSegment], before: PromptSegment | None
) -> PromptSegment | None:
    """Return the latest turn that asks; whatever an interviewer says counts as asking."""
    asking = [turn for turn in turns if turn.role is Role.INTERVIEWER or "?" in turn.text]
    return asking[-1] if asking else before


def _spread(candidates: list[_Candidate], budget: int) -> list[_Candidate]:
    """Return the best sentences, each theme being worth less the fuller it is."""
    related = [one for one in candidates if one.relevance.themes and one.merit >= _MIN_MERIT]
    fitting = [
        one
        for one in related
        if one.relevance.of_theme >= _MIN_RELEVANCE and _score(one, 0) >= _WEAKEST_NOTE
    ]
    if not fitting:
        # A model that is asked for notes rarely admits that there is nothing to note.
        fitting, budget = related, 1
    full: Counter[str] = Counter()
    picked: list[_Candidate] = []
    while fitting and len(picked) < budget:
        fitting.sort(key=lambda one: (-_score(one, full[one.relevance.theme]), one.tie))
        ranked = enumerate(fitting, start=1)
        behind = next(
            (n for n, one in ranked if find_anchor_words(one.turn.text, one.sentence)), None
        )
        if behind is None:
            break
        best = fitting[behind - 1]
        picked.append(best)
        full[best.relevance.theme] += 1
        fitting = [one for one in fitting[behind:] if not _alike(one, best)]
    return picked


def _score(one: _Candidate, notes_on_theme: int) -> float:
    relevance = one.relevance.of_theme + _QUESTION_WEIGHT * one.relevance.of_question
    return (relevance + _SALIENCE_WEIGHT * one.merit) * _CROWDING**notes_on_theme


def _alike(one: _Candidate, other: _Candidate) -> bool:
    if not one.terms or not other.terms:
        return one.sentence.text.casefold() == other.sentence.text.casefold()
    shared = len(one.terms & other.terms)
    return shared >= _TOO_ALIKE * len(one.terms | other.terms)


def _note(one: _Candidate) -> DraftNote:
    words = find_anchor_words(one.turn.text, one.sentence)
    assert words, "sentences without anchors are not picked"
    return DraftNote(
        statement=clean_up_sentence(one.sentence.text)[:_MAX_STATEMENT_CHARACTERS],
        evidence=(
            DraftEvidence(
                segment=one.turn.number,
                first_words=words.first_words,
                last_words=words.last_words,
            ),
        ),
        themes=_best(one.relevance.themes, 2),
        questions=tuple(
            question
            for question in _best(one.relevance.questions, 2)
            if one.relevance.questions[question] >= _QUESTION_LEAST
        ),
    )


def _best(topics: Mapping[str, float], most: int) -> tuple[str, ...]:
    """Return the most fitting topics, best first: the best, and those nearly as good."""
    ranked = sorted(topics, key=lambda topic: -topics[topic])[:most]
    return tuple(topic for topic in ranked if topics[topic] >= _ALSO * topics[ranked[0]])
