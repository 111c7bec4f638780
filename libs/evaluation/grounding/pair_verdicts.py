"""Check the notes of labelled pairs as the guardrail does, and say how each would be shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contracts.notes import Standing
from entailment import EntailmentModel, decide_notes_by_entailment
from evaluation.grounding.pairs import LabelledPair
from evaluation.grounding.verdicts import derive_standing, is_shown_as_finding
from grounding.assessment import check_note
from grounding.syntax.clauses import SyntaxParser


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What the checks said of a pair's note.

    Attributes:
        pair: the pair.
        standing: what vouches for the note's statement; refuted if the note is refused.
        failed_checks: names of the checks that it failed.
    """

    pair: LabelledPair
    standing: Standing
    failed_checks: tuple[str, ...]

    @property
    def is_shown(self) -> bool:
        """Whether readers get the statement as a finding."""
        return is_shown_as_finding(self.standing)

    @property
    def is_refused(self) -> bool:
        """Whether the note is not stored."""
        return self.standing is Standing.REFUTED

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as a line of a file has it."""
        return {
            "place": self.pair.place,
            "summary": self.pair.draft.statement,
            "label": int(self.pair.is_true),
            "kinds": list(self.pair.kinds),
            "standing": self.standing.value,
            "failed_checks": list(self.failed_checks),
        }


def check_pairs(
    pairs: Iterable[LabelledPair],
    parse: SyntaxParser | None = None,
    model: EntailmentModel | None = None,
) -> list[PairVerdict]:
    """Check each pair's note; with a parser, by the heavy mode's checks too.

    With an entailment model, it decides what the checks leave undecided.
    """
    return [_check_pair(pair, parse, model) for pair in pairs]


def _check_pair(
    pair: LabelledPair, parse: SyntaxParser | None, model: EntailmentModel | None
) -> PairVerdict:
    checked = check_note(pair.draft, pair.chunk, parse)
    if model is not None:
        (checked,) = decide_notes_by_entailment([checked], pair.chunk, model)
    failed = tuple(one.check for one in checked.failures)
    return PairVerdict(pair, derive_standing(checked), failed)
