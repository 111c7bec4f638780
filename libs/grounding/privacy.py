"""Apply a study's policy on personal data to its notes: allow, mask or reject."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import CheckFailure
from contracts.study import PersonalData
from grounding.assessment import CheckedNote
from personal_data import (
    IDENTIFYING,
    PersonalDataSpan,
    find_personal_data,
    list_speaker_names,
    mask_text,
)

PERSONAL_DATA: Final = "personal_data"
"""The check on personal data, which holds for studies whose policy is to reject it."""

_WORD: Final = re.compile(r"(?<!\[)\w{2,}")
"""A word; one letter identifies nobody, and a placeholder is no word."""


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """Policy for personal data in a chunk's notes (allow, mask or reject), and how to apply it.

    Only what points to one person by itself counts (``personal_data.IDENTIFYING``), and the names
    of those who speak.

    Args:
        policy: whether it is allowed, masked or a reason to reject the note.
        language: of the notes, as ISO 639 has it.
        names: of those who speak.
    """

    policy: PersonalData
    language: str
    names: tuple[str, ...]

    def apply(self, checked: CheckedNote) -> CheckedNote:
        """Return the note as the study wants it: unchanged, masked, or with a failed check."""
        if self.policy is PersonalData.MASK:
            return self._mask_note(checked)
        if self.policy is PersonalData.REJECT:
            return self._reject(checked)
        return checked

    def mask(self, text: str) -> str:
        """Return a text with a placeholder for each thing that points to one person."""
        return mask_text(text, self._find(text))

    def list_kinds(self, text: str) -> str:
        """Return what kinds of things in a text point to one person, for people; may be empty."""
        return _list_kinds(self._find(text))

    def _mask_note(self, checked: CheckedNote) -> CheckedNote:
        hide = self._build_hider(checked)
        # The quote is set even where nothing was found: it marks the note as one to be masked.
        return replace(
            checked,
            statement=self.mask(checked.statement),
            evidence=tuple(
                one.model_copy(update={"masked_quote": self.mask(one.quote)})
                for one in checked.evidence
            ),
            failures=tuple(
                one.model_copy(
                    update={
                        name: hide(getattr(one, name)) for name in ("reason", "claim", "evidence")
                    }
                )
                for one in checked.failures
            ),
            vouchers=tuple(
                one.model_copy(update={"detail": hide(one.detail)}) for one in checked.vouchers
            ),
        )

    def _build_hider(self, checked: CheckedNote) -> Callable[[str], str]:
        """Return a function that masks what a reader sees of a note's failures and vouchers.

        They quote single words in small letters, which no finder would take for a name, so each
        word that is masked in the statement or a quote is looked for.
        """
        texts = [checked.draft.statement, *(one.quote for one in checked.evidence)]
        labels = {
            word.casefold(): f"[{one.kind.label}]"
            for text in texts
            for one in self._find(text)
            for word in _WORD.findall(text[one.start : one.end])
        }

        def hide(text: str) -> str:
            masked = self.mask(text)
            return _WORD.sub(lambda word: labels.get(word[0].casefold(), word[0]), masked)

        return hide

    def _reject(self, checked: CheckedNote) -> CheckedNote:
        stated = self._find(checked.statement)
        quoted = [one for cited in checked.evidence for one in self._find(cited.quote)]
        if not stated and not quoted:
            # Marked as where it is masked: its readers are not shown who says it by name either.
            return replace(
                checked,
                evidence=tuple(
                    one.model_copy(update={"masked_quote": one.quote}) for one in checked.evidence
                ),
            )
        where = "The note" if stated else "The cited passage"
        failure = CheckFailure(
            check=PERSONAL_DATA,
            reason=f"{where} has personal data ({_list_kinds(stated or quoted)}), which this study "
            "does not want: write about the participant, and cite words without.",
        )
        return replace(checked, failures=(*checked.failures, failure))

    def _find(self, text: str) -> list[PersonalDataSpan]:
        found = find_personal_data(text, language=self.language, known_names=self.names)
        return [one for one in found if one.kind in IDENTIFYING]


def build_privacy_policy(chunk: ChunkReady, default: PersonalData) -> PrivacyPolicy:
    """Build the policy for personal data in a chunk's notes from its study, or the default.

    Args:
        chunk: with its study, and those who speak.
        default: the policy of studies that have none.
    """
    # Who speaks elsewhere in the interview is talked about here; older chunks do not tell of them.
    turns = (turn.speaker for turn in (*chunk.context, *chunk.segments))
    return PrivacyPolicy(
        policy=chunk.study.personal_data or default,
        language=chunk.study.language,
        names=list_speaker_names((*chunk.speakers, *turns)),
    )


def _list_kinds(found: Iterable[PersonalDataSpan]) -> str:
    return ", ".join(dict.fromkeys(one.kind.label.lower() for one in found))
