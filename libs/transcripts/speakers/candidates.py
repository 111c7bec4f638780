"""What the beginning of a line may be: a speaker's label, and what is said behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from transcripts.segments.turns import normalize_label
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.text import clean_text

_LONGEST_LABEL: Final = 100
_MOST_WORDS: Final = 12
_MOST_COLONS: Final = 3
# Marks of direction and byte order marks stand around labels and hide their colons.
_MARKS: Final = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u061c"
_INVISIBLE: Final = re.compile(f"[{_MARKS}]+")
_COLON: Final = re.compile(r"\s?[:\uff1a\ufe55\ua789\u1366]")  # the last is Ethiopic
_BRACKETED: Final = re.compile(
    r"(?:\[(?P<square>[^\[\]]+)\]|\((?P<round>[^()]+)\)|【(?P<lenticular>[^【】]+)】"
    r"|<(?P<angle>[^<>/]+)>|\{(?P<curly>[^{}\\]+)\})\s*[:\uff1a]?\s*"
)
_BOLD: Final = re.compile(
    r"(?P<mark>\*\*\*|\*\*|__|\*|_)(?P<label>[^*\n]{1,100}?)(?P<colon>[:\uff1a]?)(?P=mark)"
    r"\s*(?P<after>[:\uff1a]?)(?:[-\u2013—](?=\s))?\s*"
)
_DOTTED: Final = re.compile(
    r"(?!(?:MR|MS|DR|ST|NO|PS|AM|PM|US|UK)\.)(?P<label>[A-Z]{1,2}\d{0,3}|[A-Z][A-Z'-]{2,19}"
    # Minutes of parliaments: `Mr. DURBIN. Mr. President, ...`, `The PRESIDING OFFICER. Without ...`
    r"|[A-Z][a-z]{1,12}\.?(?: [A-Z][a-z]{1,12})?"
    r"(?: [A-Z][A-Z'-]+){1,4}(?: of [A-Z][a-z]+(?: [A-Z][a-z]+)?)?)\.\s+(?=\S)"
)
# Minutes of French parliaments: `M. Jean Roux. Merci.`, `Mme Claire Petit, ministre. Oui.`
_FRENCH_DOTTED: Final = re.compile(
    r"(?P<label>(?:MM?\.|Mmes?|Mlles?) [^.:\n]{2,80}?)\.\s+(?=[^\W\d_a-z]|[«\"])"
)
# Minutes of the European Parliament: `Ana Ruiz, Commissioner. \u2013 Madam President, ...`
_DOT_AND_DASH: Final = re.compile(r"(?P<label>[^\W\d_][^:\n\u2013—]{1,90}?)\.\s[\u2013—]\s+(?=\S)")
# Speech in quotation marks behind a name, as Japanese has it.
_QUOTED: Final = re.compile(r"(?P<label>[^\s「」『』:\uff1a]{1,20})[「『](?P<text>.*?)[」』]?\s*$")
_DASHED: Final = re.compile(
    r"(?P<label>[^\s\-\u2013—:/][^\n:]{0,60}?)\s+(?:[-\u2013—]{1,2}|/)\s+(?=\S)"
)
# Oral histories of old: `HAAS--Where were you born?`.
_DASH_AND_NO_BLANK: Final = re.compile(r"(?P<label>[A-Z][A-Z'.]{1,20})(?:--|—)(?=\S)")
_TABBED: Final = re.compile(r"(?P<label>[^\t]{1,80}?)(?:\t+|[ \u00a0]{2,}|\u3000)\s*(?=\S)")
_LATER: Final = re.compile(
    r"(?<=[.!?…\u3002\uff01\uff1f\"\u201d)\]])\s+(?:[/|]\s+)?(?P<label>[^\W\d_a-z][^:.!?\n]{0,40}?)[:\uff1a]\s+"
)


_NUMBER_LAST: Final = re.compile(r"(?<!\w)\d{1,3}$")
_SHORT_NUMBER: Final = re.compile(r"\d{1,3}(?!\d)")
_HEADING_MARK: Final = re.compile(r"#{1,6}\s+")
_EMPHASIS: Final = ("*", "_")
_BRACKETS: Final = ("[", "(", "【", "<", "{")
_DASH: Final = re.compile(r"\s[-\u2013—/]")
_LONGEST_DASHED: Final = 66
# What no label of any form can do without, so that most lines are done with at once.
_DOTTED_START: Final = (
    r"(?:(?:[A-Z][a-z]{1,12}\.? ){0,2}[A-Z][A-Z'-]{0,19}(?: (?:of )?[A-Z][A-Za-z'-]*)*\d{0,3}\."
    r"|(?:Mmes?|Mlles?) )"
)
_MAY_BE_LABELLED: Final = re.compile(
    r"[:\uff1a\ufe55\ua789\u1366\[(【<{*_「『\t\u3000]|\S\s\s|\s[-\u2013—/]"
    r"|^[A-Z][A-Z'.]{1,20}(?:--|—)|^" + _DOTTED_START
)
# The same for printable ASCII, in parts: trying several patterns at every character takes long.
_ASCII_MARK: Final = re.compile(r"[:\[(<{*_]")
_MAY_BE_DOTTED: Final = re.compile(_DOTTED_START)
_SENTENCE_END: Final = re.compile(r"[.!?…\u3002\uff01\uff1f\"\u201d)\]]\s")
# Webex: `"Ann Lee" (1078322432)`.
_NAME_AND_ID: Final = re.compile(r"[\"\u201c]([^\"\u201c\u201d]{1,80})[\"\u201d]\s*\(\d{1,12}\)")
# Zoom's chat: `From Ann Lee to Everyone:`.
_FROM_TO: Final = re.compile(r"From\s+(\S.{0,80}?)(?:\s+(?:to|To)\s+\S.*)?")
# The end of a sentence within, and no title or initial: `there was a man. He said`.
_SENTENCES: Final = re.compile(
    r"\b(?!(?:em|hc|habil|rer|nat|med|phil|jur|Mr|Mrs|Ms|Dr|Prof|St|Hon|Sr|Jr|Rev|Sen|Rep|Gov|Gen|Col|Sgt|Capt|Lt|Ing|Mag|Dipl"
    r"|MR|MRS|MS|DR|PROF|ST|HON|REV|SEN|REP|GEN|Hr|Fr)\.)[^\W\d_]{2,}[.!?…]\s+[^\W\d]"
    r"|[^\x00-\x7f][.!?…]\s+\S|[?!…]\s+[^\W\d_]{3,}\s+\S|[\uff0c\u3001\u3002\uff01\uff1f]"
)
_DATE: Final = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}")


class LabelMarking(StrEnum):
    """Mark that sets a speaker's label off from the speech, such as a colon or a bracket."""

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


def strip_direction_marks(line: str) -> str:
    """Remove invisible direction marks from a line's label, but not from the speech."""
    if _INVISIBLE.search(line) is None:
        return line
    label, colon, said = line.partition(":")
    if not colon or len(label) > _LONGEST_LABEL:
        return _INVISIBLE.sub("", line[:1]) + line[1:]
    return f"{_INVISIBLE.sub('', label)}:{said}"


def find_all_labels(line: str) -> tuple[LabelCandidate, ...]:
    """Return the possible labels at the beginning of a line, then those within it."""
    line = line.lstrip()
    if ":" not in line and "\uff1a" not in line:
        return find_label_candidates(line)
    at = line.find(": ")
    if 0 < at <= _LONGEST_LABEL and line.isascii() and line.isprintable():
        name, rest = line[:at], line[at + 1 :]
        label, key, is_simple = _label_before_colon(name)
        if is_simple and not _ASCII_MARK.search(rest) and not _has_blanks_or_dashes(rest):
            return (LabelCandidate(label, rest.lstrip(), LabelMarking.COLON, key),)
    first = find_label_candidates(line)
    later = [one for one, _ in find_labels_within_line(line)]
    return (*first, *later) if later else first


@lru_cache(maxsize=4_096)
def _label_before_colon(name: str) -> tuple[str, str, bool]:
    """A label and its key, and whether a line that begins with it can have no other label.

    Args:
        name: what stands before the first colon of a line, which a blank follows.
    """
    label, key = _label(name)
    others = _ASCII_MARK.search(name) or _has_blanks_or_dashes(name) or _MAY_BE_DOTTED.match(name)
    return label, key, bool(label) and not others and _SENTENCE_END.search(name) is None


def find_label_candidates(line: str) -> tuple[LabelCandidate, ...]:
    """Return the possible speaker labels at the beginning of a line, the likeliest first."""
    if line.isascii() and line.isprintable() and not _may_be_set_off_without_mark(line):
        mark = _ASCII_MARK.search(line)
        if mark is None:
            return ()
        if mark[0] == ":" and _ASCII_MARK.search(line, mark.end()) is None:
            return _single_colon(line, mark.start())
    found = _MAY_BE_LABELLED.search(line)
    if found is None:
        return ()
    if found[0] == ":" and line.isascii() and _MAY_BE_LABELLED.search(line, found.end()) is None:
        return _single_colon(line, found.start())
    made: dict[tuple[str, LabelMarking], LabelCandidate] = {}
    for one in _all_candidates(line):
        made.setdefault((one.key, one.form), one)
    return tuple(made.values())


def _may_be_set_off_without_mark(line: str) -> bool:
    """Whether a label of printable ASCII may end without a mark of ``_ASCII_MARK``."""
    if _has_blanks_or_dashes(line):
        return True
    return "." in line and _MAY_BE_DOTTED.match(line) is not None


def _has_blanks_or_dashes(text: str) -> bool:
    """Whether a text has a mark that consists of a blank, or of dashes."""
    return "  " in text or " -" in text or " /" in text or "--" in text


def _all_candidates(line: str) -> Iterator[LabelCandidate]:
    first = line[:1]
    if first in _EMPHASIS and (bold := _BOLD.match(line)):
        form = LabelMarking.COLON if bold["colon"] or bold["after"] else LabelMarking.BOLD
        yield from _made(bold["label"].rstrip(":\uff1a"), line[bold.end() :], form)
    if first in _BRACKETS and (bracketed := _BRACKETED.match(line)):
        closed = bracketed[0].rstrip().endswith((":", "\uff1a"))
        yield from _in_brackets(bracketed, LabelMarking.COLON if closed else LabelMarking.BRACKET)
        if closed or ": " in bracketed[0]:  # `(ES: what was said)` has no label within
            return
    if not line.isascii() and (quoted := _QUOTED.match(line)):
        yield from _made(quoted["label"], quoted["text"], LabelMarking.COLON)
        return
    yield from _colons(line)
    if ("\t" in line or "  " in line or "\u3000" in line) and (tabbed := _TABBED.match(line)):
        yield from _made(tabbed["label"].rstrip(":"), line[tabbed.end() :], LabelMarking.TABBED)
    french = _FRENCH_DOTTED.match(line) if first == "M" else None
    if french is not None and _is_french_title(french["label"]):
        yield from _made(french["label"], line[french.end() :], LabelMarking.DOT)
    elif first.isupper() and (dotted := _DOTTED.match(line)):
        yield from _made(dotted["label"], line[dotted.end() :], LabelMarking.DOT)
    if not line.isascii() and (dotted := _DOT_AND_DASH.match(line)):
        yield from _made(dotted["label"], line[dotted.end() :], LabelMarking.COLON)
    if (first.isupper() and (dashed := _DASH_AND_NO_BLANK.match(line))) or (
        _DASH.search(line, 0, _LONGEST_DASHED) and (dashed := _DASHED.match(line))
    ):
        yield from _made(dashed["label"], line[dashed.end() :], LabelMarking.DASH)


def _is_french_title(label: str) -> bool:
    """Whether it is no initial with a short sentence behind it, such as ``M. Hello.``."""
    kind = classify_label(label)
    name = label.partition(" ")[2]
    return kind is LabelKind.ROLE or (
        kind is LabelKind.NAME and (" " in name or classify_label(name) is LabelKind.NAME)
    )


def _in_brackets(bracketed: re.Match[str], form: LabelMarking) -> Iterator[LabelCandidate]:
    name = next(one for one in bracketed.groupdict().values() if one is not None)
    # `{vocalsound}` is how meetings' corpora mark sounds.
    is_sound = bracketed["curly"] is not None and not name.lstrip()[:1].isupper()
    if not is_sound and ": " not in name:
        yield from _made(name, bracketed.string[bracketed.end() :], form)


def _single_colon(line: str, at: int) -> tuple[LabelCandidate, ...]:
    """``Ann: Hi``, as most lines with a label are."""
    if at > _LONGEST_LABEL:
        return ()
    name, rest = line[:at], line[at + 1 :]
    if rest[:1] != " " and _is_within(name, rest):
        return ()
    label, key = _label(name)
    return (LabelCandidate(label, rest.lstrip(), LabelMarking.COLON, key),) if label else ()


def _is_within(name: str, rest: str) -> bool:
    """Whether a colon is part of a URL, a clock time or a smiley, by what stands around it."""
    if not rest or rest[0].isspace():
        return False
    if rest[0].isdigit():
        is_ratio = _NUMBER_LAST.search(name) is not None and _SHORT_NUMBER.match(rest) is not None
        return is_ratio or not _is_name_or_role(name)
    if rest[0] == "(":
        return not _is_name_or_role(name)
    return rest.startswith("//") or rest[0] in ":)/\\"


def _is_name_or_role(name: str) -> bool:
    return classify_label(name) in {LabelKind.NAME, LabelKind.ROLE}


def _colons(line: str) -> Iterator[LabelCandidate]:
    for count, colon in enumerate(_COLON.finditer(line, 0, _LONGEST_LABEL + 2)):
        if count == _MOST_COLONS:
            return
        rest = line[colon.end() :]
        if colon[0].strip() == ":" and _is_within(line[: colon.start()], rest):
            continue
        yield from _made(line[: colon.start()], rest.lstrip(), LabelMarking.COLON)


def find_labels_within_line(line: str) -> Iterator[tuple[LabelCandidate, int]]:
    """Yield possible labels after the end of a sentence within a line, with their positions."""
    colon = max(line.rfind(":"), line.rfind("\uff1a"))
    if colon < 0 or _SENTENCE_END.search(line, 0, colon) is None:
        return
    for match in _LATER.finditer(line):
        for one in _made(match["label"], line[match.end() :], LabelMarking.COLON, later=True):
            yield one, match.start()


def parse_label_line(line: str) -> LabelCandidate | None:
    """Return a whole line as a possible speaker label; None if it reads like a sentence."""
    text = _HEADING_MARK.sub("", line.strip()).rstrip(":\uff1a").strip("*_ ")
    if (
        not text
        or _COLON.search(text)
        or text[-1] in ".?!,;…"
        or len(text.split()) > (_MOST_WORDS if text[-1] == ")" else _MOST_WORDS // 2)
    ):
        return None
    return next(_made(text, "", LabelMarking.ALONE), None)


def build_label_candidate(name: str, text: str, form: LabelMarking) -> LabelCandidate:
    """Build a label candidate from a name whose form alone shows that it is a label."""
    label = normalize_label(name)
    return LabelCandidate(label, text, form, label.casefold())


def _made(
    name: str, text: str, form: LabelMarking, *, later: bool = False
) -> Iterator[LabelCandidate]:
    label, key = _label(name)
    if label:
        yield LabelCandidate(label, text, form, key, later)


@lru_cache(maxsize=4_096)
def _label(name: str) -> tuple[str, str]:
    """What stands where a label may stand, as a label and its key; empty if it can be none."""
    name = name.strip().strip("*_").strip(" \t:,;").strip()
    label = clean_text(name)
    words = len(label.split())
    if match := _FROM_TO.fullmatch(label) or _NAME_AND_ID.fullmatch(label):
        label = match[1]
    if _SENTENCES.search(label) or _DATE.search(label):
        return "", ""
    if label and words <= _MOST_WORDS and len(label) <= _LONGEST_LABEL and "\n" not in name:
        made = normalize_label(label)
        return made, made.casefold()
    return "", ""
