"""From a plain text to its rows: mark-up, counts, page furniture and tools' own lines taken off.

Each step looks at the whole text before it changes a line, so that what an answer happens to begin
with stays. What is dropped is counted in the notices.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html import unescape
from itertools import pairwise
from typing import Final

from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.plain_text.end_stamps import mark_end_timestamps
from transcripts.plain_text.label_rows import LABEL_STEPS, Row, find_filled_rows
from transcripts.plain_text.page_furniture import remove_page_furniture
from transcripts.speakers.candidates import strip_direction_marks
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.tables.columns import is_header_row

# Soft breaks of word processors end a line as well: vertical tab, U+2028, U+2029. A form feed ends
# a page and is left for the step that looks for pages.
_LINE_END: Final = re.compile("\r\r?\n|[\n\r\v\x85\u2028\u2029]|(?<=\f)|(?=\f)")
# Mark-up of a page that was saved as text.
_HTML_BREAK: Final = re.compile(
    r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|dt|dd|blockquote)>"
    r"|<(?:p|div|li|tr|h[1-6]|dt|dd|blockquote)(?=[\s>])",
    re.IGNORECASE,
)
_HTML_CELL: Final = re.compile(r"</t[dh]>\s*(?=<t[dh])", re.IGNORECASE)
_HTML: Final = re.compile(
    r"</?(?:b|i|u|em|strong|p|br|span|div|font|li|ul|ol|table|tbody|thead|tr|td|th|html|body|a"
    r"|section|article|main|header|footer|h[1-6]|dl|dt|dd|blockquote|cite|time|small|sup|sub"
    r"|figure|button|nav|aside|img|hr|meta|link|mark|code|pre)(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_DOCTYPE: Final = re.compile(r"<!DOCTYPE[^<>]{0,200}>", re.IGNORECASE)
_STYLE: Final = re.compile(
    r"<(style|script|head|title)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL
)
_LOOKED_AT: Final = 100_000
_NUMBERED: Final = re.compile(r"\s{0,8}(?:(\d{1,5})(?:[.)]\s|\t|\s{1,4})|\((\d{1,5})\)\s)\s*(?=\S)")
_NUMBERED_AT_TIMES: Final = re.compile(r"\s{0,8}(\d{1,5})(?:\t|\s{1,6})\s*(?=\S)")
_EVERY: Final = 5
"""Word processors and courts number every fifth line, or every tenth."""
_QUOTED: Final = re.compile(r"\s{0,3}>(?!>)\s?")
_TABLE_ROW: Final = re.compile(r"\s*\|(.*)\|\s*")
_TABLE_RULE: Final = re.compile(r"[\s|:+-]+")
_CELL_BORDER: Final = re.compile(r"\s+\|\s+")
_ATTENDEES: Final = re.compile(r"Attendees:?|Invited:?", re.IGNORECASE)
_TRANSCRIPT: Final = re.compile(r"(?:.{0,120}[-\u2013—] )?Transcript:?", re.IGNORECASE)
_TITLED: Final = re.compile(r".{1,120} [-\u2013—] Transcript")
# What tools write around a transcript; dropped, and reported with the number of lines.
_VENDOR_LINES: Final = re.compile(
    r"Meeting ended after [\d:]+.{0,5}|This editable transcript was computer generated.*"
    r"|Transcribed by https?://otter\.ai/?|.{1,80} (?:started|stopped) transcription\.?"
    r"|(?:#{1,6}\s*)?Transcript:?|People can also change the text after it was created\.?"
    r"|\[(?:ti|ar|al|by|offset|length):.*\]"
    r"|Detecting language using up to the first \d+ seconds\..*|Detected language: .{2,30}"
    r"|Transcript\. Use arrow keys to navigate between transcript entries\."
    r"|\W{0,3}\[?(?:end|start|beginning) of (?:the )?"
    r"(?:audio|recording|transcript(?:ion)?|interview|tape|file)(?: (?:\d{1,2}|[A-Z]))?\]?\W{0,3}"
    r"|\[(?:end|start|beginning) of (?:the )?(?:audio|recording|transcript(?:ion)?|interview|tape"
    r"|file|track|side|disc|disk|session|part)\b[^\[\]]{0,60}\]\.?"
    r"|<(?:begin|end) subtitles>|(?:.{0,40} )?messages and calls are end-to-end encrypted\..*",
    re.IGNORECASE,
)
# Who asks from here on, in the minutes of a court, whose questions stand behind `Q.`.
_EXAMINER: Final = re.compile(r"BY (?:MR|MS|MRS|MISS|DR|MX)\.? [A-Z][A-Z'\u2019 -]{1,40}:")
_QUESTION: Final = re.compile(r"\s{0,12}(?:\d{1,2}\s+)?Q[.:]?\s")
_CLOCK: Final = re.compile(r"\d:\d\d")
_LINK: Final = re.compile(r"\[([^\[\]]{1,200})\]\((?:https?:|#|/|mailto:)[^()\s]{0,500}\)")
_HEADING: Final = re.compile(r"\s{0,3}#{1,6}\s+\S")
# Teams' pane, copied: initials, name, `0 minutes 4 seconds0:04`, then the name and time again.
_TEAMS_TIME: Final = re.compile(
    r"(?:\d{1,3} hours? )?(?:\d{1,3} minutes? )?\d{1,2} seconds?\s*(?:\d{1,3}(?::\d{2}){1,2})?"
)
_TEAMS_CLOCK: Final = re.compile(r"\d{1,3}(?::\d{2}){1,2}")
_TEAMS_INITIALS: Final = re.compile(r"[^\W\d_a-z]{1,3}")
_FEW: Final = 3
_MOST_LINES_OF_A_HEAD: Final = 12
_MOST: Final = 0.8
_HALF: Final = 0.5
_SOME: Final = 0.3


def split_rows(content: str, notices: Notices) -> list[Row]:
    """Split a plain text into numbered rows, without HTML and page furniture.

    Args:
        content: the file's text.
        notices: takes how many lines were dropped.

    Raises:
        TooLargeTranscriptError: there are more lines than a transcript may have.
    """
    check_text_length(content)
    if len(_HTML.findall(content, 0, _LOOKED_AT)) >= _FEW:
        content = _STYLE.sub("", _DOCTYPE.sub("", content))
        content = _HTML_BREAK.sub(lambda match: f"\n{match[0]}", _HTML_CELL.sub("\t", content))
        content = unescape(_HTML.sub("", content))
    lines = _LINE_END.split(content.removeprefix("\ufeff"))
    rows = [
        (number, strip_direction_marks(line).rstrip(" \t\u00a0\n"))
        for number, line in enumerate(lines, start=1)
    ]
    for step in _STEPS:
        rows = step(rows, notices)
    return rows


# Tools' own lines


def _without_vendor_lines(rows: list[Row], notices: Notices) -> list[Row]:
    rows_below = _without_head(rows)
    headings = Counter(row.strip() for _, row in rows_below if _HEADING.match(row))
    # A heading at the top is the transcript's title, and stays as nobody's words.
    title = next((number for number, row in rows_below if row.strip()), 0)
    kept = [
        (number, row)
        for number, row in rows_below
        if not _VENDOR_LINES.fullmatch(row.strip())
        and (number == title or headings[row.strip()] > 1 or not _is_heading(row))
        and not ("\t" in row and is_header_row(row.split("\t")))
    ]
    kept = _without_examiners(kept)
    kept = _without_teams_doubles(kept)
    dropped = len(find_filled_rows(rows)) - len(find_filled_rows(kept))
    notices.add(Repair.VENDOR_LINE, dropped)
    return kept


def _without_examiners(rows: list[Row]) -> list[Row]:
    """The rows without `BY MS. FINCH:` where questions stand behind `Q.`."""
    if not any(_EXAMINER.search(row) for _, row in rows):
        return rows
    if not any(_QUESTION.match(row) for _, row in rows):
        return rows
    return [row for row in rows if not _EXAMINER.fullmatch(row[1].strip(" 0123456789"))]


def _is_heading(row: str) -> bool:
    """Whether a line is Markdown's heading of a part, and neither a speaker's name nor a time."""
    if _HEADING.match(row) is None:
        return False
    heading = row.strip(" #")
    named = classify_label(heading) in {LabelKind.NAME, LabelKind.ROLE}
    return not named and _CLOCK.search(heading) is None


def _without_head(rows: list[Row]) -> list[Row]:
    """Google Meet's head: a title, `Attendees`, their names, `Transcript`."""
    head = [
        (position, row.strip()) for position, row in find_filled_rows(rows)[:_MOST_LINES_OF_A_HEAD]
    ]
    names = next((at for at, (_, row) in enumerate(head) if _ATTENDEES.fullmatch(row)), None)
    if names is None:
        ends = [at for at, (_, row) in enumerate(head[:_FEW]) if _TITLED.fullmatch(row)]
    else:
        ends = [at for at, (_, row) in enumerate(head) if at > names and _TRANSCRIPT.fullmatch(row)]
    return rows[head[ends[0]][0] + 1 :] if ends else rows


def _without_teams_doubles(rows: list[Row]) -> list[Row]:
    """The pane's text without initials and names that stand again, with a time, below."""
    filled = [(position, row.strip()) for position, row in find_filled_rows(rows)]
    dropped: set[int] = set()
    for at, (position, row) in enumerate(filled):
        if not _TEAMS_TIME.fullmatch(row) or at == 0 or at + 1 == len(filled):
            continue
        name = filled[at - 1][1]
        after = at + 1
        clock = _TEAMS_CLOCK.fullmatch(filled[after][1]) is not None
        after += clock
        if after == len(filled) or not filled[after][1].startswith(name):
            continue
        dropped |= {position, filled[at - 1][0]}
        if clock:
            dropped.add(filled[at + 1][0])
        if at > 1 and _TEAMS_INITIALS.fullmatch(filled[at - 2][1]):
            dropped.add(filled[at - 2][0])
    return [row for position, row in enumerate(rows) if position not in dropped]


# Links, quotation marks and columns of Markdown


def _without_links(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows with what Markdown's links show in place of the links; times stay in brackets."""
    del notices
    return [(number, _LINK.sub(_shown, row) if "](" in row else row) for number, row in rows]


def _shown(link: re.Match[str]) -> str:
    return f"[{link[1]}]" if _CLOCK.search(link[1]) else link[1]


def _with_markdown_bold(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows with Markdown's bold in place of that of wikis, where they begin with it."""
    del notices
    if sum(row.lstrip().startswith("'''") for _, row in rows) < _FEW:
        return rows
    return [(number, row.replace("'''", "**")) for number, row in rows]


def _without_quote_marks(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows without Markdown's `>` where most of them are quoted."""
    del notices
    filled = find_filled_rows(rows)
    quoted = sum(_QUOTED.match(row) is not None for _, row in filled)
    if quoted < _FEW or quoted < _HALF * len(filled):
        return rows
    return [(number, _QUOTED.sub("", row, count=1)) for number, row in rows]


def _without_borders(rows: list[Row], notices: Notices) -> list[Row]:
    """Cells between vertical bars parted by tabs; other lines as they are."""
    del notices
    filled = [row for _, row in find_filled_rows(rows)]
    tabled = sum(_TABLE_ROW.fullmatch(row) is not None for row in filled)
    ruled = any(_TABLE_ROW.fullmatch(row) and _TABLE_RULE.fullmatch(row) for row in filled)
    if tabled >= (2 if ruled else _FEW) and tabled >= _HALF * len(filled):
        return [made for row in rows if (made := _cells(row)) is not None]
    bordered = Counter(len(_CELL_BORDER.findall(row)) for row in filled)
    borders, count = max(bordered.items(), key=lambda one: one[1], default=(0, 0))
    if borders and count >= max(_FEW, _MOST * len(filled)):
        return [(number, _CELL_BORDER.sub("\t", row, count=borders)) for number, row in rows]
    return rows


def _cells(row: Row) -> Row | None:
    number, text = row
    match = _TABLE_ROW.fullmatch(text)
    if match is None:
        return row
    if _TABLE_RULE.fullmatch(text):
        return None
    return number, "\t".join(cell.strip() for cell in match[1].split("|"))


# Counts of lines


def _without_numbers(rows: list[Row], notices: Notices) -> list[Row]:
    """The lines without the numbers that count them: each of them, or every fifth."""
    del notices
    filled = find_filled_rows(rows)
    counts = [(row, match) for _, row in filled if (match := _NUMBERED.match(row))]
    if len(counts) >= _FEW and len(counts) >= _MOST * len(filled):
        values = [int(match[1] or match[2]) for _, match in counts]
        if all(earlier < later for earlier, later in pairwise(values)):
            return [(number, _NUMBERED.sub("", row, count=1)) for number, row in rows]
    return _without_numbers_at_times(rows)


def _without_numbers_at_times(rows: list[Row]) -> list[Row]:
    """The lines without a number at every fifth or tenth, by blank lines counted or not."""
    for counted in (find_filled_rows(rows), list(enumerate(row for _, row in rows))):
        found = [
            (place, position, int(match[1]))
            for place, (position, row) in enumerate(counted, start=1)
            if (match := _NUMBERED_AT_TIMES.match(row)) and int(match[1]) % _EVERY == 0
        ]
        steps = {later[0] - earlier[0] for earlier, later in pairwise(found)}
        values = {later[2] - earlier[2] for earlier, later in pairwise(found)}
        first = found[0] if found else (0, 0, -1)
        if len(found) >= 2 and len(steps) == 1 and (steps == values or first[0] == first[2]):  # noqa: PLR2004 - two are a pattern
            numbered = {position for _, position, _ in found}
            return [
                (number, _NUMBERED_AT_TIMES.sub("", row, count=1) if at in numbered else row)
                for at, (number, row) in enumerate(rows)
            ]
        if len(found) == 1 and first[0] == first[2] and len(counted) < 2 * _EVERY:
            at = first[1]
            number, row = rows[at]
            return [*rows[:at], (number, _NUMBERED_AT_TIMES.sub("", row, count=1)), *rows[at + 1 :]]
    return rows


_STEPS: Final[tuple[Callable[[list[Row], Notices], list[Row]], ...]] = (
    remove_page_furniture,
    _without_vendor_lines,
    _without_links,
    _without_quote_marks,
    _with_markdown_bold,
    _without_borders,
    _without_numbers,
    mark_end_timestamps,
    *LABEL_STEPS,
)
