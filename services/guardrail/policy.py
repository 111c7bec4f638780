"""Decide what a failed check means for its note: the policy that operators set, by check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from contracts.notes import CheckFailure
from contracts.study import PersonalData
from entailment import NOT_ENTAILED_BY_MODEL
from grounding import CHECKS, DOUBT_NAMES
from grounding.privacy import PERSONAL_DATA

NOT_ENTAILED: Final = "not_entailed"
"""The judge's own check."""

OWN_WORDS: Final = "own_words"
"""The check on words that no quote has, of notes that pass all others and nobody has judged."""

JUDGES_DISAGREE: Final = "judges_disagree"
"""The flag of a note on which judges voted, and too few of them alike."""

NOT_JUDGED: Final = "not_judged"
"""The flag of a note that judges were asked about, none of whom gave a ruling that counts."""

CHECK_NAMES: Final = (
    *(check.name for check in CHECKS),
    *(PERSONAL_DATA, NOT_ENTAILED_BY_MODEL, NOT_ENTAILED, OWN_WORDS),
)
"""Everything that can fail in a note."""

_FOR_A_NOTE: Final = (
    *("no_evidence", "unknown_segment", "quote_not_found"),
    *("no_theme", "unknown_theme", "unknown_question"),
)
"""Checks without which there is no note: nothing to quote, or nowhere to file it."""

NEVER_FLAGGED: Final[Mapping[str, str]] = {
    **dict.fromkeys(_FOR_A_NOTE, "without it there is no note to store"),
    PERSONAL_DATA: "what becomes of it is for the study to say",
}
"""Checks that no policy lets pass, each with the reason."""


class FailedCheckAction(StrEnum):
    """Action for a note that fails a check: reject it, ask the model again, flag it or pass it."""

    REJECT = "reject"
    ASK_AGAIN = "ask_again"
    FLAG = "flag"
    PASS = "pass"  # noqa: S105 - no password: the check does not count


_PASSING: Final = frozenset({FailedCheckAction.FLAG, FailedCheckAction.PASS})
_DEFAULT_ACTIONS: Final = dict.fromkeys((*sorted(DOUBT_NAMES), OWN_WORDS), FailedCheckAction.FLAG)
"""Actions of checks that do not reject by default: they fail true notes as often as false ones."""


class CheckPolicyError(ValueError):
    """Raised when a policy for failed checks contradicts itself."""


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """Policy for notes that fail checks: the action for each check.

    Attributes:
        actions: by check; one that is not listed rejects, or flags if it only doubts.
        max_rejected_share: a draft of which a larger share is refused is asked for again.
        personal_data: what becomes of personal data in studies that do not say.
    """

    actions: Mapping[str, FailedCheckAction] = field(default_factory=dict)
    max_rejected_share: float = 0.5
    personal_data: PersonalData = PersonalData.ALLOW

    def __post_init__(self) -> None:
        for name, action in self.actions.items():
            _validate_action(name, action)

    def rejects(self, failures: Iterable[CheckFailure]) -> bool:
        """Return whether a note with these failures is rejected; flags alone do not reject it."""
        return any(self._action(one) not in _PASSING for one in failures)

    def list_flags(self, failures: Iterable[CheckFailure]) -> tuple[CheckFailure, ...]:
        """Return the failures that a note keeps as flags while it passes."""
        return tuple(one for one in failures if self._action(one) is FailedCheckAction.FLAG)

    def requests_redraft(self, failures: Iterable[CheckFailure]) -> bool:
        """Return whether one note with these failures is enough to ask for another draft."""
        return any(self._action(one) is FailedCheckAction.ASK_AGAIN for one in failures)

    def exceeds_rejected_share(self, *, refused: int, accepted: int) -> bool:
        """Return whether so many of a draft's notes are rejected that it is asked for again."""
        return refused > self.max_rejected_share * (refused + accepted)

    def refuses_own_words(self) -> bool:
        """Return whether operators have set that notes with words of their own are rejected."""
        return self.actions.get(OWN_WORDS, FailedCheckAction.FLAG) not in _PASSING

    def _action(self, failure: CheckFailure) -> FailedCheckAction:
        action = self.actions.get(failure.check)
        return action or _DEFAULT_ACTIONS.get(failure.check, FailedCheckAction.REJECT)


def _validate_action(name: str, action: FailedCheckAction) -> None:
    if name not in CHECK_NAMES:
        raise CheckPolicyError(
            f"there is no check {name!r}; the checks are {', '.join(CHECK_NAMES)}"
        )
    if action in _PASSING and name in NEVER_FLAGGED:
        raise CheckPolicyError(f"{name} cannot be let pass: {NEVER_FLAGGED[name]}")
