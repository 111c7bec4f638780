"""What becomes of personal data in a note: left, masked, or a reason to refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import CheckFailure
from contracts.study import PersonalData
from grounding import CheckedNote
from guardrail.policy import PERSONAL_DATA
from personal_data import IDENTIFYING, PersonalDataSpan, find_personal_data, mask_text

_NO_NAME: Final = re.compile(
    r"(?i)(?:speaker|interview(?:er|ee)|participant|respondent|moderator|facilitator|host|guest"
    r"|researcher|unknown|male|female|voice|person|user)?[\W\d_]*[a-z]?|[a-z][\W\d_]*"
)
"""Labels that name nobody: a role or a letter, perhaps with a number."""

_WORD: Final = re.compile(r"(?<!\[)\w{2,}")
"""A word; one letter tells of nobody, and a placeholder is no word."""


@dataclass(frozen=True, slots=True)
class Discretion:
    """Deals with the personal data in notes on one chunk.

    Only what points to one person by itself counts (``personal_data.IDENTIFYING``), and the names
    of those who speak.

    Args:
        policy: what becomes of it.
        language: of the notes, as ISO 639 has it.
        names: of those who speak.
    """

    policy: PersonalData
    language: str
    names: tuple[str, ...]

    def apply(self, weighed: CheckedNote) -> CheckedNote:
        """The note as the study wants it: unchanged, masked, or with a failed check more."""
        if self.policy is PersonalData.MASK:
            return self._masked(weighed)
        if self.policy is PersonalData.REJECT:
            return self._refused(weighed)
        return weighed

    def _masked(self, weighed: CheckedNote) -> CheckedNote:
        # The quote is set even where nothing was found: it tells that this note is to be masked.
        return replace(
            weighed,
            statement=self._mask(weighed.statement),
            evidence=tuple(
                one.model_copy(update={"masked_quote": self._mask(one.quote)})
                for one in weighed.evidence
            ),
            failures=self._unsaid(weighed),
        )

    def _unsaid(self, weighed: CheckedNote) -> tuple[CheckFailure, ...]:
        """The failures without what is masked in the note: a flag is shown to whoever reads it.

        Checks tell single words in small letters, which nobody would take for a name any more, so
        each word that is masked in the statement or a quote is looked for.
        """
        texts = [weighed.draft.statement, *(one.quote for one in weighed.evidence)]
        labels = {
            word.casefold(): f"[{one.kind.label}]"
            for text in texts
            for one in self._find(text)
            for word in _WORD.findall(text[one.start : one.end])
        }

        def unsaid(text: str) -> str:
            told = self._mask(text)
            return _WORD.sub(lambda word: labels.get(word[0].casefold(), word[0]), told)

        return tuple(
            one.model_copy(
                update={
                    name: unsaid(getattr(one, name)) for name in ("reason", "claim", "evidence")
                }
            )
            for one in weighed.failures
        )

    def _refused(self, weighed: CheckedNote) -> CheckedNote:
        told = self._find(weighed.statement)
        quoted = [one for cited in weighed.evidence for one in self._find(cited.quote)]
        if not told and not quoted:
            return weighed
        where = "The note" if told else "The cited passage"
        failure = CheckFailure(
            check=PERSONAL_DATA,
            reason=f"{where} has personal data ({_kinds(told or quoted)}), which this study does "
            "not want: tell it of the participant, and cite words without.",
        )
        return replace(weighed, failures=(*weighed.failures, failure))

    def _mask(self, text: str) -> str:
        return mask_text(text, self._find(text))

    def _find(self, text: str) -> list[PersonalDataSpan]:
        found = find_personal_data(text, language=self.language, known_names=self.names)
        return [one for one in found if one.kind in IDENTIFYING]


def discretion(chunk: ChunkReady, default: PersonalData) -> Discretion:
    """How to deal with personal data in notes on a chunk.

    Args:
        chunk: with its study, and those who speak.
        default: the policy of studies that have none.
    """
    labels = dict.fromkeys(turn.speaker for turn in (*chunk.context, *chunk.segments))
    return Discretion(
        policy=chunk.study.personal_data or default,
        language=chunk.study.language,
        names=tuple(label for label in labels if not _NO_NAME.fullmatch(label)),
    )


def _kinds(found: Iterable[PersonalDataSpan]) -> str:
    return ", ".join(dict.fromkeys(one.kind.label.lower() for one in found))
