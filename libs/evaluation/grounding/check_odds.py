"""Measure what each check is worth: how much oftener it fails false notes than true ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from entailment import NOT_ENTAILED_BY_MODEL
from evaluation.grounding.pair_verdicts import PairVerdict
from evaluation.intervals import compute_wilson_interval
from evaluation.measures import Measure
from grounding.checks import CHECKS

VETO_ODDS_GOAL: Final = 8.0
MIN_CAUGHT: Final = 10
"""False notes that a check has to have caught before its odds are held to the goal."""
VETOES: Final[frozenset[str]] = frozenset(
    (*(check.name for check in CHECKS if not check.is_doubt), NOT_ENTAILED_BY_MODEL)
)
"""Checks that refuse a note by themselves, and so have to be precise; the others only doubt."""
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class CheckOdds:
    """How often a check failed true notes and false ones.

    Attributes:
        check: its name.
        true_refused: true notes that failed it.
        true_notes: all true notes.
        false_caught: false notes that failed it.
        false_notes: all false notes.
    """

    check: str
    true_refused: int
    true_notes: int
    false_caught: int
    false_notes: int

    @property
    def odds(self) -> float:
        """The share of false notes that failed it by that of true ones.

        If no true one did, half a one is counted: so few notes do not make a check perfect.
        """
        return (self.false_caught / self.false_notes) / (
            (self.true_refused or _HALF) / self.true_notes
        )

    @property
    def least_odds(self) -> float:
        """The odds if the shares are at the unfavourable ends of their 95 % intervals.

        The lower end for the false notes by the upper one for the true ones: how little a few
        counts prove.
        """
        caught, _ = compute_wilson_interval(self.false_caught, self.false_notes)
        _, refused = compute_wilson_interval(self.true_refused, self.true_notes)
        return caught / refused

    @property
    def is_held_to_goal(self) -> bool:
        """Whether it is a veto that has caught enough to tell."""
        return self.check in VETOES and self.false_caught >= MIN_CAUGHT


def count_odds(verdicts: Sequence[PairVerdict]) -> list[CheckOdds]:
    """Return the odds of every check that failed a note, the worst first.

    None if all notes are true or all are false.
    """
    checks = sorted({check for one in verdicts for check in one.failed_checks})
    odds = [_count(verdicts, check, frozenset({check})) for check in checks]
    if not any(one.true_notes and one.false_notes for one in odds):
        return []
    return sorted(odds, key=lambda one: one.odds)


def measure_veto_odds(verdicts: Sequence[PairVerdict], unit: str) -> Measure | None:
    """Return the least odds of a veto, with every check's odds beside.

    None if no check failed a note, or all notes are true or all are false.

    Args:
        verdicts: on notes that the checks were not developed on.
        unit: which mode it is.
    """
    odds = count_odds(verdicts)
    if not odds:
        return None
    together = _count(verdicts, "all vetoes together", VETOES)
    held = [one for one in odds if one.is_held_to_goal] or [together]
    return Measure(
        name="veto-odds",
        figure=min(one.odds for one in held),
        goal=VETO_ODDS_GOAL,
        better="higher",
        unit=f"least odds of a veto that caught {MIN_CAUGHT} false notes, or of all, {unit}",
        sides={_describe(one): _list_figures(one) for one in (together, *odds)},
    )


def _count(verdicts: Sequence[PairVerdict], name: str, checks: frozenset[str]) -> CheckOdds:
    """Return the odds of failing one of some checks at least."""
    failed = {True: 0, False: 0}
    for one in verdicts:
        failed[one.pair.is_true] += not checks.isdisjoint(one.failed_checks)
    notes = Counter(one.pair.is_true for one in verdicts)
    return CheckOdds(name, failed[True], notes[True], failed[False], notes[False])


def _describe(odds: CheckOdds) -> str:
    return f"{odds.check} (veto)" if odds.check in VETOES else odds.check


def _list_figures(odds: CheckOdds) -> dict[str, float]:
    return {
        "odds": odds.odds,
        "at least": odds.least_odds,
        "false caught": odds.false_caught,
        "of false": odds.false_caught / odds.false_notes,
        "true refused": odds.true_refused,
        "of true": odds.true_refused / odds.true_notes,
    }
