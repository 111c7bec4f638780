"""Possible speaker labels: what sets one off, and what stands where a label may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final, NamedTuple

from transcripts.segments.turns import normalize_label
from transcripts.text import clean_text

LONGEST_LABEL: Final = 100
"""Characters of what may be a speaker's label; what is longer is speech."""

_MOST_WORDS: Final = 12
# Marks of direction and byte order marks stand around labels and hide their colons.
_MARKS: Final = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u061c"
_INVISIBLE: Final = re.compile(f"[{_MARKS}]+")
_BLANKS_AND_MARKS: Final = (
    " \t\u00a0\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u061c"
)
_SIGNS: Final = r"\s\d:\[\](){}<>|"
_OPENING: Final = ("[", "(", "<", "{")
_BESIDE_SIGNS: Final = re.compile(f"(?<=[{_SIGNS}])[{_MARKS}]+|[{_MARKS}]+(?=[{_SIGNS}])")
OTHER_COLONS: Final = "\uff1a\ufe55\ua789\u1366\u2236\ufe13\u05c3"
"""What scripts and keyboards have in place of a colon: full-width, small, modifier, Ethiopic, the
sign of a ratio, vertical, Hebrew."""
COLONS: Final = (":", *OTHER_COLONS)
COLON: Final = re.compile(rf"\s?[:{OTHER_COLONS}]")
_HEADING_MARK: Final = re.compile(r"#{1,6}\s+")
# Webex: `"Ann Lee" (1078322432)`.
_NAME_AND_ID: Final = re.compile(r"[\"\u201c]([^\"\u201c\u201d]{1,80})[\"\u201d]\s*\(\d{1,12}\)")
# Zoom's chat: `From Ann Lee to Everyone:`.
_FROM_TO: Final = re.compile(r"From\s+(\S.{0,80}?)(?:\s+(?:to|To)\s+\S.*)?")
# The end of a sentence within, and no title or initial: `there was a man. He said`.
_SENTENCES: Final = re.compile(
    r"\b(?!(?:em|hc|habil|rer|nat|med|phil|jur|Mr|Mrs|Ms|Dr|Prof|St|Hon|Sr|Jr|Rev|Sen|Rep|Gov|Gen|Col|Sgt|Capt|Lt|Ing|Mag|Dipl"
    r"|hon|Mevr|Dhr|Drs|Mw|Mej|Mgr|Sra|Srta|Dott|Avv|Sig|Pfr|Mme|Mlle|Cllr|Ald|Supt|Insp"
    r"|MR|MRS|MS|DR|PROF|ST|HON|REV|SEN|REP|GEN|Hr|Fr)\.)[^\W\d_]{2,}[.!?…]\s+[^\W\d]"
    r"|[^\x00-\x7f][.!?…]\s+\S|[?!…]\s+[^\W\d_]{3,}\s+\S|[\uff0c\u3001\u3002\uff01\uff1f]"
)
_IN_BRACKETS: Final = re.compile(r"\([^()]{0,80}\)|\[[^\[\]]{0,80}\]")
_DATE: Final = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}")


class LabelMarking(StrEnum):
    """Kind of mark between a speaker's label and the speech, such as a colon."""

    COLON = "colon"
    BRACKET = "bracket"
    BOLD = "bold"
    STAMPED = "stamped"
    """With a time of its own, such as ``Ann Lee  0:03``."""
    TABBED = "tabbed"
    DOT = "dot"
    DASH = "dash"
    ALONE = "alone"
    """A line of its own, with what is said on the lines below."""


class LabelCandidate(NamedTuple):
    """Possible speaker label at the beginning of a line, with the rest of the line.

    Attributes:
        label: the label, cleaned.
        text: what stands behind it on the line.
        form: how it is set off.
        key: what equal labels have in common, whatever their case.
        later: it stands within a line, behind the end of a sentence.
    """

    label: str
    text: str
    form: LabelMarking
    key: str
    later: bool = False

    @property
    def starts_lower(self) -> bool:
        """Whether what is said begins with a small letter."""
        return self.text.lstrip()[:1].islower()


new_candidate: Final = partial(tuple.__new__, LabelCandidate)
"""Makes a candidate of a tuple of all its fields, in half the time of the constructor."""


def strip_direction_marks(line: str) -> str:
    """Remove invisible writing direction marks from where a line's label and time may stand.

    They hide colons, brackets and times there, and tell two labels apart that look alike. At the
    end of a line there is nothing whose direction they could decide.
    """
    if line.isascii() or _INVISIBLE.search(line) is None:
        return line
    end = line.rstrip(_BLANKS_AND_MARKS)
    line = end if _INVISIBLE.search(line, len(end)) else line
    begin = _INVISIBLE.match(line)
    line = line[begin.end() :] if begin else line
    label, colon, said = line.partition(":")
    if not colon or len(label) > LONGEST_LABEL:
        return _BESIDE_SIGNS.sub("", line) if line[:1] in _OPENING or line[:1].isdigit() else line
    if label[-1:].isdigit():  # of a time; what somebody says begins behind the label's own colon
        head, end, said = line.partition(": ")
        return f"{_BESIDE_SIGNS.sub('', head)}{end}{said}"
    return f"{_INVISIBLE.sub('', label)}:{said}"


def parse_label_line(line: str) -> LabelCandidate | None:
    """Parse a whole line as a speaker label; return None if it reads like a sentence."""
    text = _HEADING_MARK.sub("", line.strip()) if "#" in line else line.strip()
    text = text.rstrip("".join(COLONS)).strip("*_ ")
    if (
        not text
        or text[-1] in ".?!,;…"
        or len(text.split()) > (_MOST_WORDS if text[-1] == ")" else _MOST_WORDS // 2)
        or COLON.search(text)
    ):
        return None
    return next(build_label_candidates(text, "", LabelMarking.ALONE), None)


def build_label_candidate(name: str, text: str, form: LabelMarking) -> LabelCandidate:
    """Build a speaker label candidate from a name that is certainly a label."""
    label = normalize_label(name)
    return LabelCandidate(label, text, form, label.casefold())


def build_label_candidates(
    name: str, text: str, form: LabelMarking, *, later: bool = False
) -> Iterator[LabelCandidate]:
    """Yield speaker label candidates for a name at the beginning of a line, or none."""
    label, key = parse_label(name)
    if label:
        yield LabelCandidate(label, text, form, key, later)


@lru_cache(maxsize=4_096)
def parse_label(name: str) -> tuple[str, str]:
    """Return a text's speaker label and the key that labels are compared by; both "" if none."""
    name = name.strip().strip("*_").strip(" \t:,;").strip()
    label = clean_text(name)
    words = len(label.split())
    if match := _FROM_TO.fullmatch(label) or _NAME_AND_ID.fullmatch(label):
        label = match[1]
    if _SENTENCES.search(label) and _SENTENCES.search(_IN_BRACKETS.sub("", label)):
        return "", ""
    if _DATE.search(label) or _ends_bracket(label):
        return "", ""
    if label and words <= _MOST_WORDS and len(label) <= LONGEST_LABEL and "\n" not in name:
        made = normalize_label(label)
        return made, made.casefold()
    return "", ""


def ends_with_sentence(text: str) -> bool:
    """Return whether a text ends with a sentence, and not with a title such as ``Dr.``."""
    return _SENTENCES.search(f"{text} And so on") is not None


def _ends_bracket(label: str) -> bool:
    """Whether a bracket closes in a label that does not open in it, as in `Graz): no`."""
    return any(closing in label and opening not in label for opening, closing in ("()", "[]"))
