"""From a plain text to its rows: mark-up, counts, page furniture and tools' own lines taken off.

Each step looks at the whole text before it changes a line, so that what an answer happens to begin
with stays. What is dropped is counted in the notices.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from transcripts.captions.cues import split_lines
from transcripts.character_references import decode_character_references
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.plain_text.aligned_labels import add_colons_to_aligned_labels
from transcripts.plain_text.chat_rows import CHAT_STEPS
from transcripts.plain_text.clock_spellings import replace_clock_spellings
from transcripts.plain_text.court_rows import remove_court_notes
from transcripts.plain_text.end_stamps import mark_end_timestamps
from transcripts.plain_text.front_matter import remove_front_matter
from transcripts.plain_text.inner_tables import read_inner_table
from transcripts.plain_text.label_rows import LABEL_STEPS, Row, find_nonblank_rows
from transcripts.plain_text.line_numbers import remove_line_numbers
from transcripts.plain_text.page_furniture import remove_page_furniture
from transcripts.plain_text.part_headings import remove_part_headings
from transcripts.plain_text.second_stamps import replace_second_stamps
from transcripts.plain_text.summaries import is_summary_heading, remove_summaries
from transcripts.plain_text.turn_starts import find_turn_starts
from transcripts.plain_text.web_pages import strip_page_markup
from transcripts.speakers.candidates import strip_direction_marks
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.tables.columns import is_header_row
from transcripts.timecodes import replace_frame_timecodes

# Soft breaks of word processors end a line as well: vertical tab, U+2028, U+2029. A form feed ends
# a page and is left for the step that looks for pages.
_RARE_LINE_ENDS: Final = "\v\f\x85\u2028\u2029"
_BLANKS: Final = " \t\u00a0\n"
_LINE_END: Final = re.compile("\r\r?\n|[\n\r\v\x85\u2028\u2029]|(?<=\f)|(?=\f)")
_QUOTED: Final = re.compile(r"\s{0,3}>(?!>)\s?")
_TABLE_ROW: Final = re.compile(r"\s*\|(.*)\|\s*")
_TABLE_RULE: Final = re.compile(r"[\s|:+-]+")
_CELL_BORDER: Final = re.compile(r"\s+\|\s+")
_ATTENDEES: Final = re.compile(r"Attendees:?|Invited:?", re.IGNORECASE)
_TRANSCRIPT: Final = re.compile(r"(?:.{0,120}[-\u2013—] )?Transcript:?", re.IGNORECASE)
_TITLED: Final = re.compile(r".{1,120} [-\u2013—] Transcript")
# What tools write around a transcript; dropped, and reported with the number of lines.
_VENDOR_LINES: Final = re.compile(
    r"(?:Meeting|Transcription|Recording) ended after [\d:]+.{0,5}"
    r"|This editable transcript was computer generated.*"
    r"|Transcribed by https?://otter\.ai/?|.{1,80} (?:started|stopped) transcription\.?"
    r"|(?:#{1,6}\s*)?Transcript:?|People can also change the text after it was created\.?"
    r"|\[(?:ti|ar|al|by|offset|length):.*\]"
    r"|Detecting language using up to the first \d+ seconds\..*|Detected language: .{2,30}"
    r"|Transcript\. Use arrow keys to navigate between transcript entries\."
    r"|\W{0,3}\[?(?:end|start|beginning) of (?:the )?"
    r"(?:audio|recording|transcript(?:ion)?|interview|tape|file)(?: (?:\d{1,2}|[A-Z]))?\]?\W{0,3}"
    r"|\[(?:end|start|beginning) of (?:the )?(?:audio|recording|transcript(?:ion)?|interview|tape"
    r"|file|track|side|disc|disk|session|part)\b[^\[\]]{0,60}\]\.?"
    r"|[\[(](?:tape|side|disc|disk|track|file|session|part|interview)"
    r" ?(?:\d{1,3}|[A-D]|[ivx]{1,4})?"
    r"(?:, ?(?:tape|side|disc|disk|track) ?(?:\d{1,3}|[A-D]))?"
    r" (?:begins?|starts?|ends?|is over|resumes?|continues?|paused|stops?)\.?[\])]"
    r"|(?:ACTION ITEM|SCREEN SHARING|HIGHLIGHT|BOOKMARK): .{0,400} - WATCH: https?://\S+"
    r"|\[?Auto-generated transcript\. Edits may have been applied for clarity\.\]?"
    r"|Exported [\d,.]{1,9} message\(s\)"
    # Notes of whoever codes the transcript.
    r"|\[(?:memo|codes?|notes?|comment|tag|theme|kommentar|anmerkung|nota|remarque)\s?\d{0,3}:"
    r" [^\[\]]{1,400}\]"
    r"|[$%] [a-z./~][\w./-]{1,60}(?: .*)?"  # a command and its prompt
    r"|@ This file written with .{0,80}|Tactiq\.io .{0,40}"
    r"|VIEW RECORDING - .{0,300}|<(?:begin|end) subtitles>"
    r"|(?:.{0,40} )?messages and calls are end-to-end encrypted\..*",
    re.IGNORECASE,
)
# A tool's name of itself, above or below the talk: within it, somebody may say so.
_CREDIT: Final = re.compile(
    r"[\[(](?:Transcribed|Created|Made) (?:by|with) [\w-]{2,40}\.[a-z]{2,4}\b.{0,40}[\])]",
    re.IGNORECASE,
)
# What parts a file, in capitals on a line of its own: `INTERVIEW 2`, `TAPE 1, SIDE B`.
_PART: Final = re.compile(
    r"(?:INTERVIEW|PART|SECTION|TAPE|SIDE|SESSION|DISC|TRACK|FILE|RECORDING)"
    r" (?:NO\.? ?)?(?:\d{1,3}|[IVX]{1,5}|[A-D])(?:[,:. -]{1,3}[A-Z0-9 .,/-]{1,40})?"
)
_TIMED_END: Final = re.compile(
    r"[\[(]?(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?[\])]?\s*-?\s*"
    r"\[(?:end|start|beginning) of (?:the )?"
    r"(?:audio|recording|transcript(?:ion)?|interview|tape)\]",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"\d:\d\d")
_TIME_AROUND: Final = re.compile(
    r"^[\[(]?(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?[\])]?[\s|:\u2013—-]*"
    r"|[\s|\u2013—-]*[\[(]?(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?[\])]?:?$"
)
_LINK: Final = re.compile(r"\[([^\[\]]{1,200})\]\((?:https?:|#|/|mailto:)[^()\s]{0,500}\)")
# `- Ada Byron: [Website](https://…) | [Blog](https://…)`
_LINKS: Final = re.compile(
    r"\s*[-*•]\s+(?:\*{0,2}[^\[\]:*]{1,60}:\*{0,2}\s*)?"
    r"(?:\[[^\[\]]{1,300}\]\(https?://[^()\s]{1,500}\)[\s|,;·&\u2013-]{0,5}){1,20}"
    r"(?:[\[(]\d{1,2}(?::\d{2}){1,2}[\])])?\s*"
)
_CODE_TIME: Final = re.compile(r"`(\[[\d:.,]{4,14}\])`")
_HEADING_MARK: Final = re.compile(r"\s{0,3}#{1,6}\s+")
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
    """Split a plain text into numbered rows, without HTML, page numbers and page headers.

    Args:
        content: the file's text.
        notices: takes how many lines were dropped.

    Raises:
        TooLargeTranscriptError: there are more lines than a transcript may have.
    """
    check_text_length(content)
    content = strip_page_markup(content)
    has_rare_ends = any(one in content for one in _RARE_LINE_ENDS)
    lines = (
        _LINE_END.split(content.removeprefix("\ufeff")) if has_rare_ends else split_lines(content)
    )
    rows = [
        (number, strip_direction_marks(decode_character_references(line, notices)).rstrip(_BLANKS))
        for number, line in enumerate(lines, start=1)
    ]
    for replace_times in _TIMES_STEPS:
        rows = replace_times(rows, notices)
    for step in _STEPS:
        rows = step(rows, notices)
    return rows


# Tools' own lines


def _without_vendor_lines(rows: list[Row], notices: Notices) -> list[Row]:
    rows_below = _without_head(rows)
    headings = Counter(row.strip() for _, row in rows_below if _HEADING.match(row))
    # A heading at the top is the transcript's title, and stays as nobody's words.
    title = next((number for number, row in rows_below if row.strip()), 0)
    tools_names = _find_credits(rows_below)
    kept = [
        (
            number,
            _HEADING_MARK.sub("", row)
            if number == title and ":" not in row and _is_heading(row)
            else row,
        )
        for number, row in rows_below
        if number not in tools_names
        and not _VENDOR_LINES.fullmatch(row.strip())
        and not _PART.fullmatch(row.strip())
        and not (row.endswith("]") and _TIMED_END.fullmatch(row.strip()))
        and (number == title or headings[row.strip()] > 1 or not _is_heading(row))
        and not ("\t" in row and is_header_row(row.split("\t")))
    ]
    kept = remove_court_notes(kept)
    kept = _without_teams_doubles(kept)
    stayed = {number for number, row in kept}
    dropped = [number for number, row in rows if row.strip() and number not in stayed]
    notices.drop_lines(Repair.VENDOR_LINE, dropped)
    return kept


def _find_credits(rows: list[Row]) -> set[int]:
    """The numbers of the lines in which a tool names itself, above the first turn or at the end."""
    filled = [(number, row.strip()) for number, row in rows if row.strip()]
    found = [at for at, (_, row) in enumerate(filled) if _CREDIT.fullmatch(row)]
    if not found:
        return set()
    first = min(find_turn_starts([row for _, row in filled]) - set(found), default=1)
    end = len(filled)
    while end and _is_tools_line(filled[end - 1][1]):
        end -= 1
    return {filled[at][0] for at in found if at < first or at >= end}


def _is_tools_line(row: str) -> bool:
    return bool(_CREDIT.fullmatch(row) or _VENDOR_LINES.fullmatch(row))


def _is_heading(row: str) -> bool:
    """Whether a line is Markdown's heading of a part, and neither a speaker's name nor a time."""
    if _HEADING.match(row) is None:
        return False
    heading = row.strip(" #")
    if is_summary_heading(row):
        return False  # one that turns follow, which is in doubt
    bare = _without_time(heading)
    if not bare or classify_label(bare) in {LabelKind.NAME, LabelKind.ROLE}:
        return False
    # `## 02:10 The first hive` heads a chapter; one word beside a time may be a name.
    return _CLOCK.search(bare) is None and (bare == heading or " " in bare)


def _without_time(heading: str) -> str:
    """A heading without a time that it begins or ends with."""
    return _TIME_AROUND.sub("", heading)


def _without_head(rows: list[Row]) -> list[Row]:
    """Google Meet's head: a title, `Attendees`, their names, `Transcript`."""
    head = [
        (position, row.strip())
        for position, row in find_nonblank_rows(rows)[:_MOST_LINES_OF_A_HEAD]
    ]
    names = next((at for at, (_, row) in enumerate(head) if _ATTENDEES.fullmatch(row)), None)
    if names is None:
        ends = [at for at, (_, row) in enumerate(head[:_FEW]) if _TITLED.fullmatch(row)]
    else:
        ends = [at for at, (_, row) in enumerate(head) if at > names and _TRANSCRIPT.fullmatch(row)]
    return rows[head[ends[0]][0] + 1 :] if ends else rows


def _without_teams_doubles(rows: list[Row]) -> list[Row]:
    """The pane's text without initials and names that stand again, with a time, below."""
    filled = [(position, row.strip()) for position, row in find_nonblank_rows(rows)]
    dropped: set[int] = set()
    for at, (position, row) in enumerate(filled):
        if not _TEAMS_TIME.fullmatch(row) or at == 0 or at + 1 == len(filled):
            continue
        name = filled[at - 1][1]
        if at > 1 and filled[at - 2][1] == name:  # the picture's text, and the name below it
            dropped.add(filled[at - 2][0])
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


def _without_lists_of_links(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows without points of lists that hold nothing but links, as notes of podcasts do."""
    dropped = {at for at, (_, row) in enumerate(rows) if "](" in row and _LINKS.fullmatch(row)}
    notices.drop_lines(Repair.VENDOR_LINE, [rows[at][0] for at in dropped])
    return [row for at, row in enumerate(rows) if at not in dropped] if dropped else rows


def _without_links(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows with what Markdown's links show in place of the links; times stay in brackets."""
    del notices
    return [
        (
            number,
            _CODE_TIME.sub(r"\1", _LINK.sub(_shown, row)) if "](" in row or "`[" in row else row,
        )
        for number, row in rows
    ]


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
    filled = find_nonblank_rows(rows)
    quoted = sum(_QUOTED.match(row) is not None for _, row in filled)
    if quoted < _FEW or quoted < _HALF * len(filled):
        return rows
    return [(number, _QUOTED.sub("", row, count=1)) for number, row in rows]


def _without_borders(rows: list[Row], notices: Notices) -> list[Row]:
    """Cells between vertical bars parted by tabs; other lines as they are."""
    del notices
    filled = [row for _, row in find_nonblank_rows(rows)]
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


_TIMES_STEPS: Final[tuple[Callable[[list[Row], Notices], list[Row]], ...]] = (
    replace_clock_spellings,
    replace_frame_timecodes,
    replace_second_stamps,
)
"""Steps that spell times in one way, before any other looks for them."""
_STEPS: Final[tuple[Callable[[list[Row], Notices], list[Row]], ...]] = (
    read_inner_table,
    remove_front_matter,
    _without_lists_of_links,
    remove_page_furniture,
    remove_summaries,
    remove_part_headings,
    _without_vendor_lines,
    _without_links,
    _without_quote_marks,
    _with_markdown_bold,
    _without_borders,
    remove_line_numbers,
    mark_end_timestamps,
    *CHAT_STEPS,
    *LABEL_STEPS,
    add_colons_to_aligned_labels,
)
