"""Results of a search as a page, with the words found in bold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import (
    format_recording_time,
    shorten_id,
    wrap_paragraph,
    wrap_text,
)
from read_model.search import ResultKind, SearchResult
from read_model.standings import build_reading_label


def format_search_results(results: Sequence[SearchResult], width: int) -> Iterator[Text]:
    """Format search results for the terminal: each text with its interview and time.

    Args:
        results: in the order in which they are to stand.
        width: of a line, in columns.
    """
    for result in results:
        yield from _format_result(result, width)
        yield Text()


def _format_result(result: SearchResult, width: int) -> Iterator[Text]:
    if result.kind is ResultKind.NOTE:
        if not result.is_finding:
            for quote in result.quotes:
                said = f"{quote.speaker} {format_recording_time(quote.start_ms)}"
                yield from wrap_paragraph(f"“{quote.quote}” {said}", width, indent="  ")
        label = "" if result.is_finding else f"{build_reading_label(result.edited_by)}: "
        yield from _format_found(result, width, label)
        place = f"note {shorten_id(result.note_id)}" if result.note_id else "note"
    else:
        yield from _format_found(result, width, "")
        said = f"{result.speaker} {format_recording_time(result.start_ms)}"
        note = f", note {shorten_id(result.note_id)}" if result.note_id else ""
        place = f"{said}, segment {result.segment}{note}"
    line = f"{place}, {result.title} ({result.study_id})"
    if result.similarity is not None:
        line = f"{result.similarity:.2f} like it, {line}"
    yield from wrap_paragraph(line, width, indent="      ", style="dim")


def _format_found(result: SearchResult, width: int, before: str) -> Iterator[Text]:
    """Format the text that was found; offsets are of it as it is, so they come before wrapping."""
    shown = Text(before, style="yellow" if before else "")
    shown.append("… " if result.offset else "")
    end = 0
    for word in result.highlights:
        shown.append(_clean(result.text[end : word.start]))
        end = word.start + word.length
        shown.append(_clean(result.text[word.start : end]), style="bold")
    shown.append(_clean(result.text[end:]) + ("" if result.is_whole else " …"))
    yield from wrap_text(shown, width, indent="    ", first="  • ")


def _clean(text: str) -> str:
    return escape_control_characters(" ".join(text.split("\n")))
