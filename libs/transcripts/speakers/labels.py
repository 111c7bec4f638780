"""Speaker labels of a file: what each line may begin with, and which of that names somebody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.label_kinds import LabelKind, classify_label

TWICE: Final = 2
"""How often a label stands at least for it to recur."""

STRONG_MARKINGS: Final = frozenset(
    {LabelMarking.COLON, LabelMarking.BRACKET, LabelMarking.BOLD, LabelMarking.STAMPED}
)
"""Marks that set a label off clearly from speech."""

_BEHIND_NAME: Final = re.compile(r"(?:,|\s[(\[]).*")
_FEW_WORDS: Final = 6


def get_last_name(label: str) -> str:
    """Return the last name of a label such as ``JO PARK, ANCHOR``; "" if it has one word only."""
    words = _BEHIND_NAME.sub("", label).split()
    return words[-1] if len(words) > 1 and words[-1].isalpha() else ""


class LineLabels(NamedTuple):
    """Possible speaker labels at the beginning of one line or subtitle cue.

    Attributes:
        candidates: possible labels, the likeliest first.
        is_start: whether a new paragraph or cue begins here.
        structural: the first candidate is set off so clearly that its form alone vouches for it.
        is_list_item: a bullet stands before the line, as before the points of an answer.
        interrupts: the line before it ends within a sentence, which a new speaker would cut.
    """

    candidates: tuple[LabelCandidate, ...]
    is_start: bool = True
    structural: bool = False
    is_list_item: bool = False
    interrupts: bool = False


@dataclass(slots=True)
class SpeakerLabels:
    """Recognised speaker labels of a file, each with the mark that follows it, such as a colon.

    Attributes:
        forms: the forms in which each label is believed, by the label's key.
        rejected: recurring labels that were taken for speech, which may be wrong.
        once: labels believed although they stand once only.
        languages: labels, all there are, that may be marks of languages.
    """

    forms: dict[str, frozenset[LabelMarking]] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    once: frozenset[str] = frozenset()
    extended: dict[str, str] = field(default_factory=dict)
    languages: frozenset[str] = frozenset()

    def choose(self, candidates: Iterable[LabelCandidate]) -> LabelCandidate | None:
        """Return the label a line begins with; None if it begins with speech."""
        chosen: LabelCandidate | None = None
        believed = self.forms
        for one in candidates:
            if one.key not in believed or one.form not in believed[one.key]:
                continue
            if chosen is None or self.extended.get(chosen.key) == one.key:
                chosen = one
        return chosen

    def _only_one_of_several(self, starts: Sequence[Sequence[LabelCandidate]]) -> Iterator[str]:
        named: Counter[str] = Counter()
        missed = 0
        for candidates in starts:
            one = self.choose(candidates)
            if one is not None:
                named[one.label] += 1
            else:
                missed += any(map(_may_name_somebody, candidates))
        if len(named) == 1 and missed >= max(TWICE, named.total() / 2):
            yield (
                f"only {next(iter(named))} is named, {named.total():,} times, and {missed:,} other "
                "lines begin with words and a colon: they may name another speaker"
            )

    def __bool__(self) -> bool:
        """Whether the file names anybody."""
        return bool(self.forms)

    def doubts(self, starts: Sequence[Sequence[LabelCandidate]]) -> Iterator[str]:
        """Yield sentences on labels that may be no speaker's name, and on speakers missed.

        Args:
            starts: the possible labels of each of the file's lines.
        """
        yield from self._only_one_of_several(starts)
        if self.languages and self.forms:
            yield (
                f"the labels {', '.join(sorted(one.upper() for one in self.languages))} may be "
                "marks of languages, and no other label names a speaker"
            )


def _may_name_somebody(one: LabelCandidate) -> bool:
    return (
        one.form is LabelMarking.COLON
        and not one.later
        and one.label[:1].isupper()
        and bool(one.text.strip())
        and len(one.label.split()) <= _FEW_WORDS
        and classify_label(one.label) is not LabelKind.HEADING
    )
