"""Relevance of a sentence to each of a study's themes and questions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from simulator.prompt import PromptPassage, PromptStudy
from simulator.wording import VAGUE, extract_terms

MAX_RELEVANCE = 3.0

_ANSWER_WEIGHT = 0.4  # how much of the question just asked an answer is taken to be about,
_ANSWER_SENTENCES = 2  # fully so in its first sentences, half so in what follows
_FAINT_WEIGHT = 0.5
_NAME_WEIGHT = 1.5

Terms = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TopicRelevance:
    """Scores of how relevant a sentence is to each theme and question of a study, by id."""

    themes: dict[str, float]
    questions: dict[str, float]

    @property
    def theme(self) -> str:
        """The theme it fits best."""
        return max(self.themes, key=lambda theme: self.themes[theme])

    @property
    def of_theme(self) -> float:
        """Relevance to its best theme; 0 without any."""
        return max(self.themes.values(), default=0.0)

    @property
    def of_question(self) -> float:
        """Relevance to its best question; 0 without any."""
        return max(self.questions.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class RelevanceScorer:
    """Scorer of sentences by the words that they share with a study's themes and questions."""

    themes: dict[str, Terms]
    questions: dict[str, Terms]
    rarity: Terms

    @classmethod
    def for_passage(cls, passage: PromptPassage) -> Self:
        """Return the scorer for a passage."""
        study = passage.study
        return cls(
            _theme_terms(study),
            {
                question.id: _assign_weight(extract_terms(question.text))
                for question in study.questions
            },
            _rarity(turn.text for turn in passage.segments),
        )

    def score(self, terms: frozenset[str], asked: frozenset[str], place: int) -> TopicRelevance:
        """Return the relevance of a sentence.

        Args:
            terms: the sentence's terms.
            asked: the terms of the question it answers; none if it answers none.
            place: the sentence's index within the answer, from 0.
        """
        hint = _ANSWER_WEIGHT if place < _ANSWER_SENTENCES else _ANSWER_WEIGHT / 2
        implied = asked - terms
        return TopicRelevance(
            self._fits(self.themes, terms, implied, hint),
            self._fits(self.questions, terms, implied, hint),
        )

    def _fits(
        self,
        topics: Mapping[str, Terms],
        terms: frozenset[str],
        implied: frozenset[str],
        hint: float,
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for topic, wanted in topics.items():
            # fsum: a set's order differs from process to process, and rounding would with it.
            own = math.fsum(
                wanted[term] * self.rarity.get(term, 1.0) for term in wanted.keys() & terms
            )
            asked = math.fsum(wanted[term] * hint for term in wanted.keys() & implied)
            if together := own + asked:
                # Long descriptions hit more often by chance; the root keeps short ones in play.
                fit = together * 2.0 / math.sqrt(2.0 + len(wanted) / 4)
                found[topic] = min(MAX_RELEVANCE, fit)
        return found


def _theme_terms(study: PromptStudy) -> dict[str, Terms]:
    return {
        theme.id: _assign_weight(extract_terms(theme.description))
        | _assign_weight(extract_terms(theme.name), _NAME_WEIGHT)
        for theme in study.themes
    }


def _assign_weight(some: Iterable[str], weight: float = 1.0) -> dict[str, float]:
    return {term: weight * (_FAINT_WEIGHT if _faint(term) else 1.0) for term in some}


def _faint(term: str) -> bool:
    """Return whether a shared term makes a subject likely rather than certain."""
    return term.startswith("~") or term in VAGUE


def _rarity(texts: Iterable[str]) -> Terms:
    """Return each term's weight, from 0 to 1: the fewer segments it is in, the more."""
    seen: Counter[str] = Counter()
    total = 0
    for text in texts:
        seen.update(extract_terms(text))
        total += 1
    most = math.log(1 + total)
    return (
        {term: math.log(1 + total / count) / most for term, count in seen.items()} if most else {}
    )
