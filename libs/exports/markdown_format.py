"""Markdown: a document by themes, for reading, mail and version control."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from exports.content import AddInterview, ExportedInterview, ExportedStudy, HeadingTracker
from exports.documents import build_document_note, list_meanings

_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>()#+\-.!|~&$:=]")
"""What Markdown, or a dialect of it, may take for its own; CommonMark lets all of ASCII's
punctuation be escaped (CommonMark 0.31.2, 2.4)."""


@contextmanager
def open_markdown(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write CommonMark; other people's words are escaped, so that they neither link nor format."""
    headings = HeadingTracker()

    def write(*lines: str) -> None:
        file.write("".join(f"{line}\n" for line in lines).encode())

    write(f"# {escape_markdown(study.study.name)}", "")
    write(f"Exported {study.exported_at:%Y-%m-%d %H:%M %Z}.", "")
    write(*(f"- **{name}**: {escape_markdown(meaning)}" for name, meaning in list_meanings()), "")

    def add(interview: ExportedInterview) -> None:
        if theme := headings.begins_theme(interview):
            write(f"## {escape_markdown(theme.name)}", "")
        write(f"### {escape_markdown(interview.title)}", "")
        for note in (build_document_note(study, one) for one in interview.notes):
            if note.finding is not None:
                write(f"**{escape_markdown(note.finding)}**", "")
            for words, source in note.quotes:
                write(f"> “{escape_markdown(words)}”", ">", f"> — {escape_markdown(source)}", "")
            write(*(f"*{escape_markdown(one)}*  " for one in note.remarks), "")

    yield add


def escape_markdown(text: str) -> str:
    """Return a text in one line that Markdown shows as it is."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", " ".join(text.split()))
