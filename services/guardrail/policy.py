"""What a failed check means for its note: the policy that operators set, check by check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from contracts.notes import CheckFailure
from grounding import CHECKS

PERSONAL_DATA: Final = "personal_data"
"""The check on personal data, which holds for studies whose policy is to reject it."""

NOT_ENTAILED: Final = "not_entailed"
"""The judge's own check."""

OWN_WORDS: Final = "own_words"
"""The check on words that no quote has, of notes that pass all others and nobody has judged."""

CHECK_NAMES: Final = (*(check.name for check in CHECKS), PERSONAL_DATA, NOT_ENTAILED, OWN_WORDS)
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


class Action(StrEnum):
    """What becomes of a note that fails a check."""

    REJECT = "reject"
    ASK_AGAIN = "ask_again"
    FLAG = "flag"
    PASS = "pass"  # noqa: S105 - no password: the check does not count


_PASSING: Final = frozenset({Action.FLAG, Action.PASS})
_OTHERWISE: Final = {OWN_WORDS: Action.FLAG}
"""What checks mean that do not reject where nothing is said."""


class PolicyError(ValueError):
    """A policy that cannot be meant; one line for operators."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What failed checks mean.

    Attributes:
        actions: by check; one that is not listed rejects, but for ``own_words``, which flags.
        max_rejected_share: a draft of which a larger share is refused is asked for again.
    """

    actions: Mapping[str, Action] = field(default_factory=dict)
    max_rejected_share: float = 0.5

    def __post_init__(self) -> None:
        for name, action in self.actions.items():
            _refuse_senseless(name, action)

    def refuses(self, failures: Iterable[CheckFailure]) -> bool:
        """Whether a note with these failures is refused; without any, or with flags only, not."""
        return any(self._action(one) not in _PASSING for one in failures)

    def flags(self, failures: Iterable[CheckFailure]) -> tuple[CheckFailure, ...]:
        """The failures with which a note passes that says so."""
        return tuple(one for one in failures if self._action(one) is Action.FLAG)

    def asks_again(self, failures: Iterable[CheckFailure]) -> bool:
        """Whether one note with these failures is enough to ask for another draft."""
        return any(self._action(one) is Action.ASK_AGAIN for one in failures)

    def is_too_much(self, *, refused: int, accepted: int) -> bool:
        """Whether so many of a draft's notes are refused that it is asked for again."""
        return refused > self.max_rejected_share * (refused + accepted)

    def _action(self, failure: CheckFailure) -> Action:
        action = self.actions.get(failure.check)
        return action or _OTHERWISE.get(failure.check, Action.REJECT)


def _refuse_senseless(name: str, action: Action) -> None:
    if name not in CHECK_NAMES:
        raise PolicyError(f"there is no check {name!r}; the checks are {', '.join(CHECK_NAMES)}")
    if action in _PASSING and name in NEVER_FLAGGED:
        raise PolicyError(f"{name} cannot be let pass: {NEVER_FLAGGED[name]}")
