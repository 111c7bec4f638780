"""Possible labels at the beginning of a line, in every form, and behind its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from transcripts.speakers.candidates import (
    COLON,
    COLONS,
    LONGEST_LABEL,
    OTHER_COLONS,
    LabelCandidate,
    LabelMarking,
    build_label_candidates,
    ends_with_sentence,
    parse_label,
)
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.label_marks import (
    ASCII_MARK,
    MAY_BE_LABELLED,
    NOT_PLAIN,
    SENTENCE_END,
    may_be_set_off_without_mark,
)

_MOST_COLONS: Final = 3
_BRACKETED: Final = re.compile(
    r"(?:\[(?P<square>[^\[\]]+)\]|\((?P<round>[^()]+)\)|【(?P<lenticular>[^【】]+)】"
    r"|<(?P<angle>[^<>/]+)>|\{(?P<curly>[^{}\\]+)\})"
    rf"\s*[:{OTHER_COLONS}]?\s*"
)
_BOLD: Final = re.compile(
    r"(?P<mark>\*\*\*|\*\*|__|\*|_)(?P<label>[^*\n]{1,100}?)"
    rf"(?P<colon>[:{OTHER_COLONS}]?)(?P=mark)\s*(?P<after>[:{OTHER_COLONS}]?)"
    r"(?:[-\u2013—](?=\s))?\s*"
)
_BOLD_BEHIND_PICTURE: Final = re.compile(r"[^\w\s*]{1,4}\s?\*\*(?P<label>[^*]{1,60})")
_DOTTED: Final = re.compile(
    r"(?!(?:MR|MS|DR|ST|NO|PS|AM|PM|US|UK)\.)(?P<label>[A-Z]{1,2}\d{0,3}|[A-Z][A-Z'-]{2,19}"
    # Minutes of parliaments: `Mr. DURBIN. Mr. President, ...`, `The PRESIDING OFFICER. Without ...`
    r"|[A-Z][a-z]{1,12}\.?(?: [A-Z][a-z]{1,12})?"
    r"(?: [A-Z][A-Z'-]+){1,4}(?: of [A-Z][a-z]+(?: [A-Z][a-z]+)?| pro tempore)?)"
    r"\.\s+(?=\S)"
)
# Minutes of French parliaments: `M. Jean Roux. Merci.`, `Mme Claire Petit, ministre. Oui.`
_FRENCH_DOTTED: Final = re.compile(
    r"(?P<label>(?:MM?\.|Mmes?|Mlles?) [^.:\n]{2,80}?)\.\s+(?=[^\W\d_a-z]|[«\"])"
)
# Minutes of the European Parliament: `Ana Ruiz, Commissioner. \u2013 Madam President, ...`
_DOT_AND_DASH: Final = re.compile(r"(?P<label>[^\W\d_][^:\n\u2013—]{1,90}?)\.\s[\u2013—]\s+(?=\S)")
# Speech in quotation marks behind a name, as Japanese has it.
_QUOTED: Final = re.compile(
    r"(?P<label>[^\s「」『』:" + OTHER_COLONS + r"]{1,20})[「『](?P<text>.*?)[」』]?\s*$"
)
_DASHED: Final = re.compile(
    r"(?P<label>[^\s\-\u2013—:/][^\n:]{0,60}?)\s+(?:[-\u2013—]{1,2}|/)\s+(?=\S)"
)
# Oral histories of old: `HAAS--Where were you born?`.
_DASH_AND_NO_BLANK: Final = re.compile(r"(?P<label>[A-Z][A-Z'.]{1,20})(?:--|—)\s?(?=\S)")
_TABBED: Final = re.compile(r"(?P<label>[^\t]{1,80}?)(?:\t+|[ \u00a0]{2,}|\u3000)\s*(?=\S)")
_CHANGE_MARK: Final = r"(?:(?:[/|]|>>+|[-\u2013—])\s+)?"
_LATER: Final = re.compile(
    r"(?:(?<=[.!?…\u3002\uff01\uff1f\"\u201d)\]])\s+" + _CHANGE_MARK + r"|(?<=\S)\s+>>+\s*)"
    rf"(?P<label>[^\W\d_a-z][^:.!?\n{OTHER_COLONS}]{{0,40}}?)\s?[:{OTHER_COLONS}]\s+"
)
# `Here. [Ada]: And there?`: behind any word if a colon follows the brackets or the bold, else
# behind the end of a sentence, as somebody else's words stand in brackets too: `he [Ada] said`.
_LATER_SET_OFF: Final = re.compile(
    r"(?<=\S)\s+(?:(?:[/|]|>>+|[-\u2013—])\s+)?"
    r"(?:\[(?P<square>[^\[\]:\n]{1,60})\]|\((?P<round>[^():\n]{1,60})\)"
    r"|<(?P<angle>[^<>/:\n]{1,60})>|\*\*(?P<bold>[^*:\n]{1,60})(?P<inside>:?)\*\*)"
    rf"\s?(?P<colon>[:{OTHER_COLONS}]?)\s+(?=(?P<next>\S))"
)
_LATER_MARKS: Final = ("[", "(", "<", "**")
_SENTENCE_ENDS: Final = frozenset('.!?…\u3002\uff01\uff1f"\u201d)]')
_NUMBER_LAST: Final = re.compile(r"(?<!\w)\d{1,3}$")
_SHORT_NUMBER: Final = re.compile(r"\d{1,3}(?!\d)")
_EMPHASIS: Final = ("*", "_")
_BRACKETS: Final = ("[", "(", "【", "<", "{")
_DASH: Final = re.compile(r"\s[-\u2013—/]")
_LONGEST_DASHED: Final = 66
_BEHIND_LATER: Final = 500
"""Characters behind a label within a line that are looked at to decide on it."""
_LONGEST_BEFORE_BRACKETS: Final = 1_000
"""Characters of a label before its brackets; far more than any label has."""


def find_label_candidates(line: str) -> tuple[LabelCandidate, ...]:
    """Find possible speaker labels at the beginning of a line, the likeliest first."""
    if not may_be_set_off_without_mark(line):
        if NOT_PLAIN.search(line) is None:
            return ()
        if line.isascii() and line.isprintable():
            mark = ASCII_MARK.search(line)
            if mark is None:
                return ()
            if mark[0] == ":" and ASCII_MARK.search(line, mark.end()) is None:
                return _single_colon(line, mark.start())
    found = MAY_BE_LABELLED.search(line)
    if found is None:
        return ()
    if found[0] == ":" and line.isascii() and MAY_BE_LABELLED.search(line, found.end()) is None:
        return _single_colon(line, found.start())
    made: dict[tuple[str, LabelMarking], LabelCandidate] = {}
    for one in _all_candidates(line):
        made.setdefault((one.key, one.form), one)
    return tuple(made.values())


class LabelWithinLine(NamedTuple):
    """Possible speaker label within a line, and where it stands.

    Attributes:
        candidate: the label; its text is the beginning of what stands behind it.
        begin: where the label begins, with its mark and the blanks before it.
        end: where what stands behind it begins.
    """

    candidate: LabelCandidate
    begin: int
    end: int


def find_labels_within_line(line: str, *, behind_label: bool = False) -> Iterator[LabelWithinLine]:
    """Yield possible speaker labels within a line, in their order.

    They stand after a sentence's end, a mark of a change of speaker, or in brackets or bold. Those
    without a colon name nobody who does not begin a line in the same form.

    Args:
        line: the line, or what stands behind the label that it begins with.
        behind_label: whether it is the latter.
    """
    later = (*_with_later_colon(line), *_set_off_later(line, behind_label=behind_label))
    yield from sorted(later, key=attrgetter("begin"))


def _build_later(
    line: str, name: str, form: LabelMarking, begin: int, end: int
) -> Iterator[LabelWithinLine]:
    # All of what follows, for each of a line's many labels, would grow with their number squared.
    text = line[end : end + _BEHIND_LATER]
    for one in build_label_candidates(name, text, form, later=True):
        yield LabelWithinLine(one, begin, end)


def _with_later_colon(line: str) -> Iterator[LabelWithinLine]:
    colon = max(map(line.rfind, COLONS))
    if colon < 0 or (SENTENCE_END.search(line, 0, colon) is None and ">>" not in line):
        return
    for match in _LATER.finditer(line):
        yield from _build_later(
            line, match["label"], LabelMarking.COLON, match.start(), match.end()
        )


def _set_off_later(line: str, *, behind_label: bool) -> Iterator[LabelWithinLine]:
    if not any(mark in line for mark in _LATER_MARKS):
        return
    for match in _LATER_SET_OFF.finditer(line):
        name = match["square"] or match["round"] or match["angle"] or match["bold"]
        form = LabelMarking.BRACKET if match["bold"] is None else LabelMarking.BOLD
        if match["colon"] or match["inside"]:
            if not behind_label and _ends_first_label(line, match):
                continue
            form = LabelMarking.COLON
        elif line[match.start() - 1] not in _SENTENCE_ENDS or match["next"].islower():
            continue
        yield from _build_later(line, name, form, match.start(), match.end())


def _ends_first_label(line: str, match: re.Match[str]) -> bool:
    """Whether the brackets are part of the label that the line begins with: `Ada (on phone): …`."""
    if match.start() > _LONGEST_BEFORE_BRACKETS:
        return False
    before = line[: match.start()].strip()
    return (
        not any(colon in before for colon in COLONS)
        and before[0] not in (*_BRACKETS, *_EMPHASIS)
        and not ends_with_sentence(before)
    )


def _all_candidates(line: str) -> Iterator[LabelCandidate]:
    first = line[:1]
    if first in _EMPHASIS and (bold := _BOLD.match(line)):
        form = LabelMarking.COLON if bold["colon"] or bold["after"] else LabelMarking.BOLD
        yield from build_label_candidates(
            bold["label"].rstrip("".join(COLONS)), line[bold.end() :], form
        )
    if first in _BRACKETS and (bracketed := _BRACKETED.match(line)):
        closed = bracketed[0].rstrip().endswith(COLONS)
        yield from _in_brackets(bracketed, LabelMarking.COLON if closed else LabelMarking.BRACKET)
        if closed or ": " in bracketed[0]:  # `(ES: what was said)` has no label within
            return
    if not line.isascii() and (quoted := _QUOTED.match(line)):
        yield from build_label_candidates(quoted["label"], quoted["text"], LabelMarking.COLON)
        return
    yield from _colons(line)
    if ("\t" in line or "  " in line or "\u3000" in line) and (tabbed := _TABBED.match(line)):
        yield from build_label_candidates(
            tabbed["label"].rstrip(":"), line[tabbed.end() :], LabelMarking.TABBED
        )
    french = _FRENCH_DOTTED.match(line) if first == "M" else None
    if french is not None and _is_french_title(french["label"]):
        yield from build_label_candidates(french["label"], line[french.end() :], LabelMarking.DOT)
    elif first.isupper() and (dotted := _DOTTED.match(line)):
        yield from build_label_candidates(dotted["label"], line[dotted.end() :], LabelMarking.DOT)
    if not line.isascii() and (dotted := _DOT_AND_DASH.match(line)):
        yield from build_label_candidates(dotted["label"], line[dotted.end() :], LabelMarking.COLON)
    if (first.isupper() and (dashed := _DASH_AND_NO_BLANK.match(line))) or (
        _DASH.search(line, 0, _LONGEST_DASHED) and (dashed := _DASHED.match(line))
    ):
        yield from build_label_candidates(dashed["label"], line[dashed.end() :], LabelMarking.DASH)


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
        yield from build_label_candidates(name, bracketed.string[bracketed.end() :], form)


def _single_colon(line: str, at: int) -> tuple[LabelCandidate, ...]:
    """``Ann: Hi``, as most lines with a label are."""
    if at > LONGEST_LABEL:
        return ()
    name, rest = line[:at], line[at + 1 :]
    if rest[:1] != " " and _is_within(name, rest):
        return ()
    label, key = parse_label(name)
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
    for count, colon in enumerate(COLON.finditer(line, 0, LONGEST_LABEL + 2)):
        if count == _MOST_COLONS:
            return
        rest = line[colon.end() :]
        if colon[0].strip() == ":" and _is_within(line[: colon.start()], rest):
            continue
        name = line[: colon.start()]
        if rest[:2] == "**" and (bold := _BOLD_BEHIND_PICTURE.match(name)):
            name, rest = bold["label"], rest[2:]
        yield from build_label_candidates(name, rest.lstrip(), LabelMarking.COLON)
