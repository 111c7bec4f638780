"""Which words at the start of a line are a speaker's name, and which are speech with a colon."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contracts.transcript import Role, Speaker
from transcripts.roles import role_told_by
from transcripts.turns import label_of

_LONGEST_NAME = 60
_MOST_WORDS = 6
_MOST_WORDS_OF_A_LONE_NAME = 4
_TWICE = 2
_NEVER_IN_A_NAME = re.compile(r'[<>{}\[\]="\\!?;]')
_COLON = re.compile(r":(?=\s|$)|\uff1a")
_BRACKETED = re.compile(rf"\[([^\[\]]{{1,{_LONGEST_NAME}}})\]\s*:?\s*")
# Capitalised words that open a line before a colon, or stand in brackets, and name nobody.
_NO_NAME = re.compile(
    "actually|also|although|and|answer|anyway|applause|background|because|but|crosstalk|date"
    "|duration|example|fine|first|hello|however|inaudible|interview|laughs|laughter|lastly|length"
    "|like|location|maybe|meanwhile|music|no|note|notes|now|oh|ok|okay|or|pause|place|please"
    "|project|question|questions|right|second|secondly|silence|since|so|still|subject|summary"
    "|then|third|though|time|title|today|topic|transcript|uh|um|warning|well|yeah|yes",
    re.IGNORECASE,
)
_PARTICLE = re.compile("al|bin|da|de|del|den|der|di|dos|du|el|la|le|of|ten|ter|van|von|y")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line split into what may be its speaker's name and the rest."""

    label: str
    text: str
    bracketed: bool = False


def split_label(line: str) -> Labelled | None:
    """Split ``Name: text`` or ``[Name] text``; None if the line cannot begin with a name."""
    bracketed = _BRACKETED.match(line)
    if bracketed is not None:
        return _labelled(bracketed[1], line[bracketed.end() :], bracketed=True)
    colon = _COLON.search(line, 0, _LONGEST_NAME + 2)
    if colon is None:
        return None
    return _labelled(line[: colon.start()], line[colon.end() :], bracketed=False)


def _labelled(name: str, text: str, *, bracketed: bool) -> Labelled | None:
    could_be_name = (
        len(name.split()) in range(1, _MOST_WORDS + 1)
        and len(name) <= _LONGEST_NAME
        and any(character.isalnum() for character in name)
        and _NEVER_IN_A_NAME.search(name) is None
    )
    return Labelled(label_of(name), text, bracketed) if could_be_name else None


class CueLabels:
    """The speakers of a file of cues.

    A prefix is believed where it is declared, tells a role, looks like a name and recurs, or
    where at least half of the cues begin with one, as in the exports of meeting software.

    Args:
        cues: the possible labels of each cue's lines, None for a line that has none.
        declared: speakers the producer names.
    """

    def __init__(
        self, cues: Sequence[Sequence[Labelled | None]], declared: Sequence[Speaker]
    ) -> None:
        self._declared = {label_of(speaker.label).casefold() for speaker in declared}
        self._counts = Counter(one.label for cue in cues for one in cue if one is not None)
        firsts = [cue[0] for cue in cues if cue]
        names = [one for one in firsts if one is not None and not _NO_NAME.fullmatch(one.label)]
        self._usual = len(names) * 2 >= len(firsts)

    def __contains__(self, one: Labelled) -> bool:
        if _is_known(one.label, self._declared):
            return True
        if _NO_NAME.fullmatch(one.label):
            return False
        if looks_like_a_name(one.label):
            return self._usual or self._counts[one.label] >= _TWICE
        return self._usual and not one.bracketed


class LineLabels:
    """The speakers of a plain text, in which a line without a label continues the last.

    A prefix is believed where it is declared, tells a role, looks like a name, or recurs.

    Args:
        found: the possible labels of all lines that have one.
        declared: speakers the producer names.
    """

    def __init__(self, found: Collection[Labelled], declared: Sequence[Speaker]) -> None:
        self._declared = {label_of(speaker.label).casefold() for speaker in declared}
        self._counts = Counter(one.label for one in found)

    def __contains__(self, one: Labelled) -> bool:
        if _is_known(one.label, self._declared):
            return True
        if _NO_NAME.fullmatch(one.label) or "," in one.label:
            return False
        named = looks_like_a_name(one.label)
        recurs = self._counts[one.label] >= _TWICE
        return named and recurs if one.bracketed else named or recurs


def _is_known(label: str, declared: Collection[str]) -> bool:
    return label.casefold() in declared or role_told_by(label) is not Role.UNKNOWN


def looks_like_a_name(label: str) -> bool:
    """Whether each word is capitalised, a number, or in a script without capitals."""
    words = label.replace("(", " ").replace(")", " ").split()
    return len(words) <= _MOST_WORDS_OF_A_LONE_NAME and all(
        _PARTICLE.fullmatch(word) or not word[0].islower() for word in words
    )
