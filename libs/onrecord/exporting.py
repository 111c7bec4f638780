"""Exports a study: reads it by the API, an interview at a time, and writes a file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, Final
from uuid import UUID

from contracts.study import StatementPolicy, Theme
from exports.content import ExportedInterview, ExportedStudy
from exports.errors import ExportError
from exports.formats import FORMATS, ExportFormat
from onrecord.control_transport import Params
from onrecord.errors import CommandError, UsageError
from onrecord.note_selection import NoteSelection
from onrecord.reading_client import ReadingClient
from read_model.notes import StoredNote

STDOUT: Final = "-"
DIGEST_BYTES: Final = 200_000
"""End of a page, in bytes, in which its digest stands."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, and how.

    Attributes:
        target: the file; ``-`` is stdout.
        format: of the file.
        statements: which are shown as findings; None: as the study says.
        is_exact: exact words and names where the study masks them.
        replaces: whether a file that is there is replaced.
    """

    target: str
    format: ExportFormat
    statements: StatementPolicy | None = None
    is_exact: bool = False
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was exported.

    Attributes:
        file: where it is; ``-`` is stdout.
        notes: how many; of those with several themes, each once.
        interviews: how many are in it.
        bytes: the file's size.
        sha256: of the file.
        digest: what a page shows as its digest; None for other formats.
    """

    file: str
    format: str
    study: str
    notes: int
    interviews: int
    bytes: int
    sha256: str
    digest: str | None


def check_target(request: ExportRequest) -> None:
    """Refuse a file that could not be written in the end.

    Raises:
        UsageError: it exists, its folder does not, or it is a terminal.
    """
    if request.target == STDOUT:
        if sys.stdout.isatty():  # other people's words could control it
            raise UsageError("- is a terminal here: name a file, or pipe it to a program")
        return
    path = Path(request.target)
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path}: {'is a folder' if path.is_dir() else 'there is no such folder'}")
    if path.exists() and not request.replaces:
        raise UsageError(f"{path} exists: --force replaces it")


async def export_study(
    reading: ReadingClient,
    selection: NoteSelection,
    request: ExportRequest,
    report: Callable[[int], None],
) -> ExportResult:
    """Write a study's notes; the file appears when it is complete.

    Args:
        reading: reads the notes.
        selection: of one study.
        request: what to write, checked by ``check_target``.
        report: called with the number of notes so far.

    Raises:
        CommandError: the format cannot hold them, or the file cannot be written.
    """
    ((study_id, found),) = selection.studies.items()
    study = ExportedStudy(found.study, datetime.now(UTC), is_exact=request.is_exact)
    notes: set[UUID] = set()
    interviews: set[UUID] = set()
    export = _StudyReader(reading, selection, request)
    try:
        with _open_target(request) as file:
            with FORMATS[request.format].load()(study, file) as add:
                async for interview in export.interviews(study):
                    add(interview)
                    interviews.add(interview.transcript_id)
                    notes.update(one.note_id for one in interview.notes)
                    report(len(notes))
            file.flush()
            size = file.tell()
            file.seek(0)
            sha256 = file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads
            digest = _read_digest(file, size) if request.format is ExportFormat.HTML else None
    except (ExportError, OSError) as error:
        raise CommandError(f"{request.target}: {error}") from error
    return ExportResult(
        request.target,
        request.format.value,
        study_id,
        len(notes),
        len(interviews),
        size,
        sha256,
        digest,
    )


class _StudyReader:
    """Reads interviews with their notes in the order that a format wants."""

    def __init__(
        self, reading: ReadingClient, selection: NoteSelection, request: ExportRequest
    ) -> None:
        self._reading = reading
        ((self._study_id, _),) = selection.studies.items()
        statements = request.statements and request.statements.value
        self._params: Params = {**selection.params, "statements": statements}
        self._format = FORMATS[request.format]
        self._exact = request.is_exact or None

    async def interviews(self, study: ExportedStudy) -> AsyncIterator[ExportedInterview]:
        """Yield the interviews, each with its notes; by theme, an interview comes several times."""
        if not self._format.is_by_theme:
            async for one in self._of(self._params):
                yield one
            return
        wanted = self._params.get("theme")
        for theme in study.study.themes:
            if wanted in {None, theme.id}:
                async for one in self._of({**self._params, "theme": theme.id}, theme):
                    yield one

    async def _of(
        self, params: Params, theme: Theme | None = None
    ) -> AsyncIterator[ExportedInterview]:
        without_notes: dict[UUID, tuple[int, str]] = {}
        if self._format.has_segments and not _narrows(params):
            async for one in self._reading.transcripts(self._study_id):
                without_notes[one.transcript_id] = one.revision, one.title
        async for notes in self._notes_by_interview(params):
            first = notes[0]
            without_notes.pop(first.transcript_id, None)
            interview = ExportedInterview(
                first.transcript_id, first.revision, first.title, notes, theme=theme
            )
            yield await self._with_segments(interview)
        for key, (revision, title) in without_notes.items():
            yield await self._with_segments(ExportedInterview(key, revision, title, ()))

    async def _notes_by_interview(self, params: Params) -> AsyncIterator[list[StoredNote]]:
        notes: list[StoredNote] = []
        async for note in self._reading.notes(self._study_id, params):
            if notes and notes[0].transcript_id != note.transcript_id:
                yield notes
                notes = []
            notes.append(note)
        if notes:
            yield notes

    async def _with_segments(self, interview: ExportedInterview) -> ExportedInterview:
        if not self._format.has_segments:
            return interview
        which: Params = {"revision": interview.revision, "exact": self._exact}
        said = self._reading.segments(interview.transcript_id, which)
        return replace(interview, segments=tuple([one async for one in said]))


def _narrows(params: Params) -> bool:
    names = ("transcript", "theme", "question", "speaker", "standing", "since", "decision")
    return any(params.get(name) is not None for name in names)


def _read_digest(file: IO[bytes], size: int) -> str:
    from exports.html_format import read_digest  # noqa: PLC0415 - only pages have one

    file.seek(max(0, size - DIGEST_BYTES))
    return read_digest(file.read())


@contextmanager
def _open_target(request: ExportRequest) -> Iterator[BinaryIO]:
    """Open a file that takes its name, or goes to stdout, once the context ends without error."""
    if request.target == STDOUT:
        with TemporaryFile() as file:
            yield file
            file.seek(0)
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    path = Path(request.target)
    with NamedTemporaryFile(
        "w+b", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as named:  # readable by its owner alone, as its content is of people
        try:
            yield named  # type: ignore[misc]  # it is a binary file
            named.flush()
            os.fsync(named.fileno())
            if not request.replaces and path.exists():
                raise FileExistsError("it was made meanwhile, and stays: --force replaces it")
            Path(named.name).replace(path)
        finally:
            Path(named.name).unlink(missing_ok=True)
