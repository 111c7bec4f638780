"""Interface of a model that scores whether one text follows from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TextPair:
    """Pair of texts that an entailment model scores: a premise and a hypothesis."""

    premise: str
    hypothesis: str


class EntailmentScorer(Protocol):
    """Interface of models that score how likely a premise entails a hypothesis.

    Attributes:
        name: the model's name with the beginning of its file's hash.
        pair_tokens: tokens that a premise and a hypothesis may have together.
        window_tokens: tokens of a premise at most, if the hypothesis leaves room for as many.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def pair_tokens(self) -> int: ...  # noqa: D102 - see the class

    @property
    def window_tokens(self) -> int: ...  # noqa: D102 - see the class

    def find_token_ends(self, text: str) -> Sequence[int]:
        """Return for each token of a text where it ends, in characters."""
        ...

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """Return for each pair how likely its hypothesis follows from its premise, from 0 to 1.

        Raises:
            ScoreError: a score is no number.
            MemoryError: the pairs take more memory than there is.
        """
        ...
