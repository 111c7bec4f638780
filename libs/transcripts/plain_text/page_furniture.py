"""Page numbers, running heads and feet of documents, which stand within what was said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised

_PAGE: Final = re.compile(
    r"\W{0,4}(?:(?:page|p\.|seite|página|pagina|pág\.|стр\.|blz\.)\s{0,2})?(?P<number>\d{1,4})"
    r"(?:\s{0,2}(?:of|von|de|di|van|/|из)\s{0,2}(?P<total>\d{1,4}))?\W{0,4}",
    re.IGNORECASE,
)
_PAGE_OF: Final = re.compile(
    r"\W{0,4}(?:page|seite|página|pagina|blz\.)\s{0,2}\d{1,4}\s{0,2}(?:of|von|de|di|van|/)\s{0,2}\d{1,4}"
    r"\W{0,4}",
    re.IGNORECASE,
)
_PAGE_OF_AT_END: Final = re.compile(rf"[^:]{{1,80}}\s{_PAGE_OF.pattern}", re.IGNORECASE)
_PAGE_OF_AHEAD: Final = re.compile(rf"{_PAGE_OF.pattern}[^:?]{{1,80}}", re.IGNORECASE)
# Heads and feet at the right margin come behind what was said on the same line.
_PAGE_BEHIND: Final = re.compile(
    r"(?:\s{3}|\t)(?:page|p\.|seite|página|pagina|pág\.|стр\.|blz\.)\s{0,2}(?P<number>\d{1,4})"
    r"(?:\s{0,2}(?:of|von|de|di|van|/|из)\s{0,2}\d{1,4})?\s*$",
    re.IGNORECASE,
)
_BEFORE_DASH: Final = re.compile(r"\S.{0,60}?\s[-\u2013—/]\s")
_BEHIND_NAME: Final = re.compile(r"\s*[(\[].*")
_DIGITS: Final = re.compile(r"\d+")
_LONGEST_PAGE: Final = 40
_NEAR: Final = 2
_TWICE: Final = 2
_THRICE: Final = 3
_FEWEST_WORDS: Final = 2
_LONGEST: Final = 120
_MOST: Final = 0.8


def remove_page_furniture(rows: list[tuple[int, str]], notices: Notices) -> list[tuple[int, str]]:
    """Remove page numbers, running headers and running footers from a text's rows.

    Args:
        rows: a file's lines with their numbers; a form feed is a row of its own.
        notices: takes how many lines were dropped.
    """
    rows = _without_pages_behind(rows, notices)
    filled = [position for position, (_, row) in enumerate(rows) if row.strip()]
    feeds = {position for position in filled if rows[position][1].strip(" \t") == "\f"}
    dropped = _page_numbers(rows, filled) | {
        position for position in filled if _PAGE_OF.fullmatch(rows[position][1].strip())
    }
    dropped |= _running_page_numbers(rows, filled)
    dropped |= {
        position
        for position in (filled[:1] + filled[-1:])
        if rows[position][1].strip().isdecimal() and len(filled) > _THRICE
    }
    dropped |= _running_lines(rows, filled, dropped | feeds)
    dropped |= _recurring_lines(rows, filled)
    pictures = _captions_of_pictures(rows, filled) - dropped
    notices.drop_lines(Repair.PAGE_LINE, [rows[position][0] for position in dropped - feeds])
    notices.drop_lines(Repair.VENDOR_LINE, [rows[position][0] for position in pictures])
    dropped |= feeds | pictures
    return [row for position, row in enumerate(rows) if position not in dropped]


def _without_pages_behind(rows: list[tuple[int, str]], notices: Notices) -> list[tuple[int, str]]:
    """The rows without `Page 1 of 9` at the right margin of what was said, where pages count up."""
    found = {
        at: match
        for at, (_, row) in enumerate(rows)
        if row[-1:].isdigit()
        and (match := _PAGE_BEHIND.search(row, max(0, len(row) - _LONGEST_PAGE)))
        and row[: match.start()].strip()
    }
    numbers = [int(match["number"]) for match in found.values()]
    if len(numbers) < _TWICE or any(later != one + 1 for one, later in pairwise(numbers)):
        return rows
    notices.add(Repair.PAGE_LINE, len(numbers))
    return [
        (number, row[: found[at].start()] if at in found else row)
        for at, (number, row) in enumerate(rows)
    ]


def _page_numbers(rows: Sequence[tuple[int, str]], filled: Sequence[int]) -> set[int]:
    """Places of lines that are nothing but numbers which count up by one."""
    found = [
        (position, int(match["number"]))
        for position in filled
        if (match := _PAGE.fullmatch(rows[position][1].strip()))
    ]
    in_steps = all(later == earlier + 1 for (_, earlier), (_, later) in pairwise(found))
    # Numbers of cues and lists stand closer than those of pages.
    apart = all(later - earlier > _NEAR for (earlier, _), (later, _) in pairwise(found))
    return (
        {position for position, _ in found}
        if len(found) >= _TWICE and in_steps and apart
        else set()
    )


def _running_page_numbers(rows: Sequence[tuple[int, str]], filled: Sequence[int]) -> set[int]:
    """Places of lines such as `Interview 4, page 1 of 2` that stand twice and more."""
    found = {
        position: _form(rows[position][1])
        for position in filled
        if _PAGE_OF_AT_END.fullmatch(line := rows[position][1].strip())
        or _PAGE_OF_AHEAD.fullmatch(line)
    }
    forms = Counter(found.values())
    return {position for position, form in found.items() if forms[form] >= _TWICE}


def _running_lines(
    rows: Sequence[tuple[int, str]], filled: Sequence[int], breaks: set[int]
) -> set[int]:
    """Places of lines that recur, but for numbers in them, right beside page breaks."""
    if not breaks:
        return set()
    others = [position for position in filled if position not in breaks]
    order = {position: place for place, position in enumerate(filled)}
    near = [
        position
        for position in others
        if any(abs(order[position] - order[one]) <= _NEAR for one in breaks)
    ]
    # A break ends the first page, whose head has no break before it.
    near += [position for position in others[:_NEAR] if position not in near]
    forms = Counter(_form(rows[position][1]) for position in near)
    return {
        position
        for position in near
        if forms[_form(rows[position][1])] >= max(_TWICE, len(breaks) / 2)
        and ":" not in rows[position][1]
    }


def _recurring_lines(rows: Sequence[tuple[int, str]], filled: Sequence[int]) -> set[int]:
    """Places of lines that stand three times and more and read like a title, not like speech."""
    forms = Counter(_form(rows[position][1]) for position in filled)
    # What stands right below itself is said again.
    pairs = pairwise([_form(rows[position][1]) for position in filled])
    repeated = {earlier for earlier, later in pairs if earlier == later}
    # `Ann - Yes` is a name and what she says, where `Ann - ` begins other lines too.
    heads = Counter(match[0] for form in forms if (match := _BEFORE_DASH.match(form)))
    named = {head for head, count in heads.items() if count > 1}
    # Names on lines of their own, above what each of them says, recur as well.
    alone = [form for form, count in forms.items() if count > 1 and _is_name(form)]
    named |= set(alone) if len(alone) > 1 else set()
    above_times = {
        earlier
        for earlier, later in pairwise(filled)
        if (stamp := parse_leading_timestamp(rows[later][1].strip())) and not stamp.rest.strip()
    }
    return {
        position
        for position in filled
        if forms[form := _form(rows[position][1])] >= _THRICE
        and form not in repeated
        and position not in above_times
        and not _is_name(_BEHIND_NAME.sub("", rows[position][1].strip()))
        and _is_title(rows[position][1].strip())
        and not any(form.startswith(head) for head in named)
    }


def _captions_of_pictures(rows: Sequence[tuple[int, str]], filled: Sequence[int]) -> set[int]:
    """Places of one and the same line, or of initials, above nearly all names with times below.

    So players write in place of a picture, once the page is copied: `user avatar`.
    """
    shown = {position: rows[position][1].strip() for position in filled}
    heads = [  # what stands above a name, and the name
        (above, name)
        for above, name, below in zip(filled, filled[1:], filled[2:], strict=False)
        if _is_time_alone(shown[below]) and not _is_time_alone(shown[name])
    ]
    names = {shown[name] for _, name in heads}
    forms = Counter(shown[above] for above, _ in heads if shown[above] not in names)
    most, count = forms.most_common(1)[0] if forms else ("", 0)
    by_form = {above for above, _ in heads if shown[above] == most}
    by_initials = {above for above, name in heads if shown[above] == _initials(shown[name])}
    found = by_form if count >= len(by_initials) else by_initials
    return found if len(found) >= max(_THRICE, _MOST * (len(heads) - 1)) else set()


def _is_time_alone(line: str) -> bool:
    stamp = parse_leading_timestamp(line)
    return stamp is not None and not stamp.rest.strip()


def _initials(name: str) -> str:
    words = [one for one in name.split() if one[0].isalpha()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words))


def _is_name(line: str) -> bool:
    return classify_label(line) in {LabelKind.NAME, LabelKind.ROLE} and is_capitalised(line)


def _is_title(line: str) -> bool:
    words = line.split()
    return (
        len(words) > _FEWEST_WORDS
        and parse_leading_timestamp(line) is None
        and len(line) <= _LONGEST
        and line[-1] not in '.?!:,;…"”'
        # `Q. So?` and `Answer 1 So.` are said.
        and not re.search(r"[:\t|]|^\W|^[A-Z]{1,2}\.\s|^(?:Question|Answer)\s\d", line)
        and any(word.isupper() or any(map(str.isdigit, word)) for word in words)
    )


def _form(line: str) -> str:
    return _DIGITS.sub("0", " ".join(line.split()))
