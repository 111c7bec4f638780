"""Labels written in other ways, as `Name: …`: questions, tiers, marks, fields, names behind.

Each step looks at the whole text before it changes a line.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from contracts.transcript import Role
from transcripts.notices import Notices, Repair
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.roles import infer_role
from transcripts.speakers.trailing_labels import TrailingLabel, find_trailing_labels

Row = tuple[int, str]
"""A line's number in the file, from 1, and its text."""

# `Q   What is it?`, as courts have it, and `Q1. What is it?`, as lists of questions have it.
_BARE_QUESTION: Final = re.compile(r"\s{0,12}([QA])(?:[ \t]{1,12}|\.[ \t]*)(?=[\"“(\[]?[A-Z0-9])")
_LONE_QUESTION: Final = re.compile(r"\s{0,12}Q(?:\t+|[ \u00a0]{2,12})(?=[\"\u201c(\[]?[A-Z0-9])")
_DOTTED_QUESTION: Final = re.compile(r"\s{0,12}([QA])\.\s+(?=[\"“(\[]?[A-Z0-9])")
_NUMBERED_QUESTION: Final = re.compile(
    r"\s{0,8}(Q|A|Question|Answer|Frage|Antwort|P|R)(?:\s?(\d{1,3}))?\s?[.:)]\s+",
    re.IGNORECASE,
)
_HEADED: Final = re.compile(r"\s{0,8}(?:\*\*)?([QA])\s?\d{1,3}[.:)]?(?:\*\*)?\s*")
_ORDINALS: Final = re.compile(r"^(\s*)([A-Z])(?:\.-|\))\s+")
# Marks that set off names in some notations: `Ada| Hi`, `Ada> Hi`, `Ada = Hi`, `ADA... Hi`; the
# last letters are Armenian, whose full stop looks like a colon.
_MARKED: Final = re.compile(
    r"\s*(?P<time>[\[(]?(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?[\])]?\s+)?"
    r"(?P<label>[^\W\d_](?:[\w '\u2019-]{0,30}\w)?)\s?"
    r"(?P<mark>\|{1,2}|>{1,2}|=>?|->|\.{3}|[…»→~;\u0589\u055d]|::|\.[-\u2013—]|\.(?=\s+[\u0531-\u0556]))"
    r"\s+(?=\S)"
)
# `Kim [v]  in Bonn`: speaker, tier and words; `[3]` numbers a stretch of the score.
_TIER: Final = re.compile(
    r"\s{0,8}(?P<label>[^\W\d_][^\[\]:\t]{0,30}?)\s*\[(?P<tier>[a-z]{1,4}|[A-Z]{2,4})\]\s+(?=\S)"
)
# CHAT without its head: `*ADA:` begins what was said, `%mor:` what was noted on it.
_MAIN_TIER: Final = re.compile(r"\*[A-Z]{2,5}\d{0,2}:\s")
_DEPENDENT_TIER: Final = re.compile(r"%[a-z]{3,4}:\s")
_COURT_LABEL: Final = re.compile(r"\s{0,30}[A-Z][A-Z.'\u2019 -]{3,40}: ?\S")
_BOLD_MARKS: Final = ("**", "__")
_BOLD_LINE: Final = re.compile(r"\s*(\*\*|__)([^*_\n:]{1,60}:)(\s+[^*_\n]+)\1\s*")
# `Host (smiling): …`: what somebody does while speaking.
_DIRECTED: Final = re.compile(
    r"\s*(?P<label>[^\W\d_][^():\n]{0,40}?)\s*\((?P<direction>[a-zà-ÿ][^()\d\n]{1,40})\)\s*:(?=\s)"
)
# `[0:05] Ada (0.98): …`, `Ada [91 %]: …`: how sure a tool is that it is Ada.
_SURE: Final = re.compile(
    r"(?P<time>\s{0,8}(?:[\[(][\d:.,]{3,14}[\])]\s)?)(?P<label>[^\W\d_][^\[\](){}:\n]{0,60}?)"
    r"\s?[(\[](?:0?\.\d{1,9}|1\.0{1,9}|\d{1,3}(?:\.\d{1,3})?\s?%)[)\]]"
    r"(?=\s?:|\s?[\[(]\d{1,3}:\d{2})"
)
_TIER_BLOCK: Final = re.compile(r"\s*\[\d{1,5}\]\s*")
_ASKED_BY: Final = re.compile(r"\s*Q(?P<number>\d{1,4})\s+(?=[^\W\d_][^:?!]{1,60}:\s)")
# Hansard numbers questions and topical ones: `T3. Mary Ellis (Leeds East) (Lab): What ...?`
_MEMBER: Final = r"[^\W\d_][^():?!\n]{1,60}\([^()\n]{2,60}\)\s?\([^()\n]{2,40}\)"
_NUMBERED_MEMBER: Final = re.compile(
    rf"\s{{0,12}}T?\d{{1,3}}\.\s{{1,12}}(?={_MEMBER}[^:\n]{{0,30}}:)"
)
_MEMBER_FOR: Final = re.compile(
    r"\s{0,12}\([^()\n]{2,60}\)\s?\([^()\n]{2,40}\)(?:\s?\[V\])?\s*:?\s*"
)
_ENDS_OF_SEATS: Final = (")", "]", ":")
_LONGEST_NAME: Final = 60
_SPEAKER_FIELD: Final = re.compile(r"\s*(?:Speaker|SPEAKER|Sprecher|Name)\s?:\s*(\S.{0,60})")
_TIME_FIELD: Final = re.compile(
    r"\s*(?:Time(?:stamp|code)?|Start(?: time)?|Zeit)\s?:"
    r"\s*(\d{1,3}(?::\d{2}){1,2}(?:[.,]\d{1,3})?)\s*",
    re.IGNORECASE,
)
_FEW: Final = 3
_LONGEST_INITIALS: Final = 4
_MOST: Final = 0.8
_HALF: Final = 0.5
_SOME: Final = 0.3


def find_nonblank_rows(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """Return the non-blank rows of a text, each with its position."""
    return [(position, row) for position, (_, row) in enumerate(rows) if row and not row.isspace()]


# Questions and answers


def _with_colons(rows: list[Row], notices: Notices) -> list[Row]:
    """`Q:` and `A:` in place of `Q   …`, `A   …` and of `Q1. …`, `A1. …`, `P.- …`."""
    del notices
    for pattern in (_BARE_QUESTION, _NUMBERED_QUESTION, _ORDINALS):
        filled = find_nonblank_rows(rows)
        found = [(position, match) for position, row in filled if (match := pattern.match(row))]
        if _is_dialogue(found, pattern, len(filled)):
            matches = dict(found)
            rows = [
                (number, f"{_label(matches[at], pattern)}: {row[matches[at].end() :]}")
                if at in matches
                else (number, row)
                for at, (number, row) in enumerate(rows)
            ]
    return rows


def _with_marked_questions(rows: list[Row], notices: Notices) -> list[Row]:
    """`Q: …` in place of `Q   …`, where those who answer have labels with a colon."""
    del notices
    found = {
        at: match for at, row in find_nonblank_rows(rows) if (match := _LONE_QUESTION.match(row))
    }
    if len(found) < 2:  # noqa: PLR2004 - one may be an initial
        return rows
    return [
        (number, f"Q: {row[found[at].end() :]}" if at in found else row)
        for at, (number, row) in enumerate(rows)
    ]


def _with_single_questions(rows: list[Row], notices: Notices) -> list[Row]:
    """`Q: …` and `A: …` in place of a few `Q. …` and `A. …` among a court's other speakers."""
    del notices
    found = {
        at: match for at, (_, row) in enumerate(rows) if (match := _DOTTED_QUESTION.match(row))
    }
    letters = [match[1] for match in found.values()]
    asks = any("?" in rows[at][1] for at, match in found.items() if match[1] == "Q")
    courts = sum(_COURT_LABEL.match(row) is not None for _, row in rows)
    in_turn = letters[:1] == ["Q"] and all(one != later for one, later in pairwise(letters))
    if not asks or courts < 2 or not in_turn:  # noqa: PLR2004 - one may be a heading
        return rows
    return [
        (number, f"{found[at][1]}: {row[found[at].end() :]}" if at in found else row)
        for at, (number, row) in enumerate(rows)
    ]


def _label(match: re.Match[str], pattern: re.Pattern[str]) -> str:
    return match[2] if pattern is _ORDINALS else match[1]


def _with_headed_questions(rows: list[Row], notices: Notices) -> list[Row]:
    """`Q:` in place of `Q1` on a line of its own, where `A1` stands so too."""
    del notices
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _HEADED.fullmatch(row))}
    counts = Counter(match[1].upper() for match in found.values())
    if len(counts) != 2 or min(counts.values()) < 2:  # noqa: PLR2004 - a pair
        return rows
    return [
        (number, f"{found[at][1]}:" if at in found else row)
        for at, (number, row) in enumerate(rows)
    ]


def _is_dialogue(
    found: Sequence[tuple[int, re.Match[str]]], pattern: re.Pattern[str], lines: int
) -> bool:
    """Whether two labels recur and take turns, and begin a fair part of the lines."""
    labels = [_label(match, pattern).casefold() for _, match in found]
    counts = Counter(labels)
    if len(counts) != 2 or len(labels) < _FEW or len(labels) < _SOME * lines:  # noqa: PLR2004 - a pair
        return False
    if min(counts.values()) < 2 and not (pattern is _BARE_QUESTION and "." in found[0][1][0]):  # noqa: PLR2004
        return False
    turns = sum(earlier != later for earlier, later in pairwise(labels))
    if pattern is _NUMBERED_QUESTION:
        numbers = [int(match[2]) for _, match in found if match[2]]
        asked = max(counts.values()) - 1  # answers may go without
        if len(numbers) < min(counts.values()) or len(numbers) < asked:
            return False
        if any(later < earlier for earlier, later in pairwise(numbers)):
            return False
    # Others speak between them in a court, behind labels with a colon.
    least = _HALF if pattern is _BARE_QUESTION else _MOST
    return turns >= least * (len(labels) - 1)


def _with_tier_labels(rows: list[Row], notices: Notices) -> list[Row]:
    """`Kim: …` in place of `Kim [v] …`, as lists of EXMARaLDA's tiers have it; CHAT's tiers."""
    rows = _without_dependent_tiers(rows, notices)
    found = {at: match for at, row in find_nonblank_rows(rows) if (match := _TIER.match(row))}
    spoken = sum(match["tier"] == "v" for match in found.values())
    if spoken < _FEW or spoken < _HALF * len(found):
        return rows
    notices.add(Repair.OTHER_TIER, len(found) - spoken)
    return [
        (number, f"{found[at]['label']}: {row[found[at].end() :]}" if at in found else row)
        for at, (number, row) in enumerate(rows)
        if not _TIER_BLOCK.fullmatch(row) and (at not in found or found[at]["tier"] == "v")
    ]


def _without_dependent_tiers(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows without CHAT's tiers below what was said, where most are its main tiers."""
    filled = find_nonblank_rows(rows)
    main = sum(_MAIN_TIER.match(row) is not None for _, row in filled)
    dependent = sum(_DEPENDENT_TIER.match(row) is not None for _, row in filled)
    if not dependent or main < max(2, _SOME * len(filled)):
        return rows
    notices.add(Repair.OTHER_TIER, dependent)
    return [row for row in rows if not _DEPENDENT_TIER.match(row[1])]


def _with_unbolded_lines(rows: list[Row], notices: Notices) -> list[Row]:
    """`Q: Where?` in place of `**Q: Where?**`, where whole lines are bold, label and all."""
    del notices
    return [
        (number, f"{match[2]}{match[3]}")
        if row.lstrip()[:2] in _BOLD_MARKS and (match := _BOLD_LINE.fullmatch(row))
        else (number, row)
        for number, row in rows
    ]


def _with_colons_for_marks(rows: list[Row], notices: Notices) -> list[Row]:
    """`Ada: …` in place of `Ada| …`, `Ada> …` or `Ada = …`, where one mark begins most lines."""
    del notices
    filled = find_nonblank_rows(rows)
    found = [(at, match) for at, row in filled if (match := _MARKED.match(row))]
    marks = Counter(match["mark"] for _, match in found)
    mark, count = max(marks.items(), key=lambda one: one[1], default=("", 0))
    if count <= _FEW or count < _HALF * len(filled):
        return rows
    labels = Counter(match["label"] for _, match in found if match["mark"] == mark)
    recurring = sum(count for count in labels.values() if count > 1)
    kinds = {one: classify_label(one) in {LabelKind.NAME, LabelKind.ROLE} for one in labels}
    initials = {one for one in labels if one.isupper() and len(one) <= _LONGEST_INITIALS}
    named = any(kinds.values()) and all(kinds[one] or one in initials for one in labels)
    if not named or len(labels) == 1 or recurring < _MOST * count:
        return rows
    made = {
        at: f"{match['time'] or ''}{match['label']}: {match.string[match.end() :]}"
        for at, match in found
        if match["mark"] == mark
    }
    return [(number, made.get(at, row)) for at, (number, row) in enumerate(rows)]


# Names in fields, and behind what was said


def _with_field_values(rows: list[Row], notices: Notices) -> list[Row]:
    """`S1:` in place of `SPEAKER: S1`, where such lines hold names that recur."""
    del notices
    found = {
        at: match[1].strip(" :")
        for at, (_, row) in enumerate(rows)
        if (match := _SPEAKER_FIELD.fullmatch(row))
    }
    counts = Counter(found.values())
    named = all(classify_label(name) in {LabelKind.NAME, LabelKind.ROLE} for name in counts)
    if not named or len(counts) == 1 or len(counts) == len(found):
        return rows
    return [
        (
            number,
            f"{found[at]}:" if at in found else _time_of_field(row) if at - 1 in found else row,
        )
        for at, (number, row) in enumerate(rows)
    ]


def _time_of_field(row: str) -> str:
    """`[0:05]` in place of `Time: 0:05`."""
    match = _TIME_FIELD.fullmatch(row)
    return f"[{match[1]}]" if match else row


def _with_names_in_front(rows: list[Row], notices: Notices) -> list[Row]:
    """`Ilka: Have you slept?` in place of `Have you slept? (Ilka)`, where most lines are so."""
    del notices
    filled = find_nonblank_rows(rows)
    labels = find_trailing_labels([row for _, row in filled])
    if labels is None:
        return rows
    made = {position: _in_front(one) for (position, _), one in zip(filled, labels, strict=True)}
    return [(number, made.get(at, row)) for at, (number, row) in enumerate(rows)]


def _in_front(one: TrailingLabel) -> str:
    if not one.label:
        return one.said
    stamp = parse_leading_timestamp(one.said.strip())
    said = one.said.strip() if stamp is None else stamp.rest
    return f"{one.said.strip().removesuffix(said)}{one.label}: {said}"


def _without_directions(rows: list[Row], notices: Notices) -> list[Row]:
    """`Host: (smiling) …` in place of `Host (smiling): …`, if the host speaks in other ways too."""
    del notices
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _DIRECTED.match(row))}
    if not found:
        return rows
    ways: dict[str, set[str]] = defaultdict(set)
    for match in found.values():
        ways[match["label"]].add(match["direction"])
    colons = [row.partition(":")[0].strip() for _, row in rows if ":" in row]
    bare = set(colons) & ways.keys()
    moved = {
        at: match
        for at, match in found.items()
        if (match["label"] in bare or len(ways[match["label"]]) > 1)
        and infer_role(match["direction"]) is Role.UNKNOWN
    }
    return [
        (number, f"{moved[at]['label']}: ({moved[at]['direction']}){row[moved[at].end() :]}")
        if at in moved
        else (number, row)
        for at, (number, row) in enumerate(rows)
    ]


def _without_question_numbers(rows: list[Row], notices: Notices) -> list[Row]:
    """`Chair: …` in place of `Q1 Chair: …`, as committees number what they ask."""
    del notices
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _ASKED_BY.match(row))}
    numbers = [int(match["number"]) for match in found.values()]
    if len(numbers) < 2 or any(later <= earlier for earlier, later in pairwise(numbers)):  # noqa: PLR2004 - one is a label
        return rows
    return [
        (number, row[found[at].end() :] if at in found else row)
        for at, (number, row) in enumerate(rows)
    ]


def _with_members_seats(rows: list[Row], notices: Notices) -> list[Row]:
    """`Mary Ellis (Leeds East) (Lab):` as a member of a parliament is named, on one line.

    Hansard's page has the seat and the party on a line below the name, and numbers before members
    who ask a question that is on the paper.
    """
    del notices
    made: list[Row] = []
    for number, row in rows:
        above = made[-1][1] if made else ""
        name = above.strip().rstrip(":")
        if (
            row[-1:] in _ENDS_OF_SEATS
            and _MEMBER_FOR.fullmatch(row)
            and 0 < len(name) <= _LONGEST_NAME
            and classify_label(name) in {LabelKind.NAME, LabelKind.ROLE}
        ):
            made[-1] = (made[-1][0], f"{name} {row.strip().rstrip(' :')}:")
            continue
        numbered = _NUMBERED_MEMBER.match(row) if ")" in row else None
        made.append((number, row[numbered.end() :] if numbered else row))
    return made


def _without_shares(rows: list[Row], notices: Notices) -> list[Row]:
    """`Ada: …` in place of `Ada (0.98): …`, as tools write how sure they are who speaks."""
    del notices
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _SURE.match(row))}
    names = {match["label"].strip() for match in found.values()}
    if len(found) < _FEW or len(names) == len(found):
        return rows
    return [
        (
            number,
            f"{found[at]['time']}{found[at]['label']}{row[found[at].end() :]}"
            if at in found
            else row,
        )
        for at, (number, row) in enumerate(rows)
    ]


LABEL_STEPS: Final[tuple[Callable[[list[Row], Notices], list[Row]], ...]] = (
    _with_members_seats,
    _without_question_numbers,
    _with_unbolded_lines,
    _with_headed_questions,
    _with_colons,
    _with_marked_questions,
    _with_single_questions,
    _with_tier_labels,
    _with_colons_for_marks,
    _with_field_values,
    _with_names_in_front,
    _without_directions,
    _without_shares,
)
