"""Selects the files that are interviews: named ones, those in a folder, those of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contracts.bounds import Moment
from contracts.study import Text
from contracts.terminal import escape_control_characters
from contracts.transcript import Speaker
from onrecord.errors import UsageError
from onrecord.submit.document_errors import format_document_errors
from onrecord.submit.files import read_yaml

STUDY_FILE: Final = "study.yaml"
MANIFEST_FILE: Final = "manifest.yaml"
SUFFIXES: Final = frozenset(
    f".{one}"
    for one in (
        *("vtt", "srt", "sbv", "ass", "ssa", "ttml", "dfxp", "xml"),
        *("txt", "text", "md", "json", "jsonl", "csv", "tsv", "html", "htm"),
        *("docx", "odt", "rtf", "pdf"),
        *("eaf", "cha", "otr"),
    )
)
"""What a folder's transcripts end with, where no manifest lists them: the formats that are read."""
STDIN: Final = Path("-")
"""Stands for standard input, as with most tools."""
_WILDCARDS: Final = frozenset("*?[")
_DOCUMENTATION: Final = frozenset({"readme.md", "license.md", "changelog.md", "readme", "license"})
"""Names of texts about a folder, which are neither submitted nor named as left out."""
_YAML: Final = frozenset({".yaml", ".yml"})


class ManifestEntry(BaseModel):
    """Entry of a manifest file: one interview's file, title, source, speakers and so on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Annotated[str, Field(min_length=1, description="Its path, from the manifest's folder.")]
    title: Annotated[Text | None, Field(description="What people call the interview.")] = None
    recorded_at: Annotated[Moment | None, Field(description="When it took place.")] = None
    speakers: Annotated[
        tuple[Speaker, ...], Field(description="Roles, where the labels do not show them.")
    ] = ()


@dataclass(frozen=True, slots=True)
class InterviewFile:
    """File of an interview to submit, with its entry in the manifest file, if any.

    Attributes:
        path: its transcript.
        title: what people call it.
        recorded_at: when it took place, if that is known.
        speakers: the roles that were declared.
        data: its bytes, where they do not come from the path.
    """

    path: Path
    title: str
    recorded_at: datetime | None = None
    speakers: tuple[Speaker, ...] = ()
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class InterviewSelection:
    """Interviews that a command's arguments select, and files that were ignored.

    Attributes:
        interviews: in order, each once.
        study_file: the study's file that lies with them, if one does.
        left_out: the other files of the folders: what a manifest does not list, or, where there
            is none, what does not look like a transcript by its name.
    """

    interviews: tuple[InterviewFile, ...]
    study_file: Path | None
    left_out: tuple[Path, ...] = ()


def read_manifest(path: Path) -> tuple[ManifestEntry, ...]:
    """Read a manifest file: a YAML list of interview files with titles, speakers and so on.

    Raises:
        UsageError: it cannot be read, or an entry is wrong; names the entry's fields.
    """
    try:
        entries = _ENTRIES.validate_python(read_yaml(path) or ())
    except ValidationError as error:
        raise UsageError(f"{path}: not a manifest: {format_document_errors(error)}") from error
    if not entries:
        raise UsageError(f"{path}: the manifest lists no interview")
    return entries


def select_interviews(
    paths: Sequence[Path],
    manifest: Path | None = None,
    stdin: Callable[[], InterviewFile] | None = None,
) -> InterviewSelection:
    """Return the interviews that a command's file paths, folders and manifest select.

    Args:
        paths: files, folders, and patterns such as ``talks/*.vtt``. A folder stands for what its
            ``manifest.yaml`` lists, or for all its files that look like transcripts. Without any,
            the manifest's entries are meant.
        manifest: titles, roles and more for the files.
        stdin: reads the interview that the path ``-`` stands for; None if it may not be named.

    Raises:
        UsageError: nothing is there, two files share a name, a file lies outside its folder, or a
            manifest is wrong.
    """
    paths = [found for path in paths for found in _expand(path)]
    listed = {entry.path: entry for entry in _listed(manifest)} if manifest else {}
    found = dict.fromkeys(_files(paths, listed, stdin)) if paths else dict.fromkeys(listed.values())
    interviews = tuple(found)
    _refuse_odd_names(interviews)
    _refuse_namesakes(interviews)
    folders = [path for path in paths if _is_dir(path)] or ([manifest.parent] if manifest else [])
    studies = (folder / STUDY_FILE for folder in folders)
    study = next((study for study in studies if study.is_file()), None)
    return InterviewSelection(interviews, study, _left_out(folders, interviews))


def _expand(path: Path) -> Sequence[Path]:
    """Return the files that a pattern stands for which no shell has expanded."""
    if not _WILDCARDS & {*str(path)} or path.exists():
        return [path]
    found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    if not found:
        raise UsageError(f"{path}: no file fits this pattern")
    return found


def _left_out(folders: Iterable[Path], interviews: Iterable[InterviewFile]) -> tuple[Path, ...]:
    chosen = {_resolved(one.path) for one in interviews if one.data is None}
    found = (path for folder in folders for path in sorted(folder.iterdir()) if _is_shown(path))
    return tuple(path for path in found if _resolved(path) not in chosen)


def _is_shown(path: Path) -> bool:
    """Whether a file of a folder is worth naming: YAML, hidden files and documentation are not."""
    is_other = path.name.startswith(".") or path.suffix.lower() in _YAML
    return not is_other and path.name.lower() not in _DOCUMENTATION and path.is_file()


def _files(
    paths: Iterable[Path],
    listed: dict[Path, InterviewFile],
    stdin: Callable[[], InterviewFile] | None,
) -> Iterator[InterviewFile]:
    by_place = {_resolved(path): entry for path, entry in listed.items()}
    for path in paths:
        if path == STDIN and stdin is not None:
            yield stdin()
            continue
        if path.suffix.lower() in _YAML:
            raise UsageError(
                f"{path}: YAML is no transcript: a study's file goes behind --study, a manifest "
                "behind --manifest"
            )
        inside = _folder(path) if _is_dir(path) else (InterviewFile(path, path.stem),)
        yield from (by_place.get(_resolved(one.path), one) for one in inside)


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle; U+0000 in a name
        raise UsageError(f"{escape_control_characters(str(path))}: leads to no file") from error


def _folder(folder: Path) -> Sequence[InterviewFile]:
    if (manifest := folder / MANIFEST_FILE).is_file():
        return tuple(_listed(manifest))
    try:
        found = filter_transcript_files(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from error
    _refuse_outside(folder, [(path, str(path)) for path in found])
    if not found:
        raise UsageError(f"{folder}: no transcript in this folder ({', '.join(sorted(SUFFIXES))})")
    return [InterviewFile(path, path.stem) for path in found]


def filter_transcript_files(among: Iterable[Path]) -> list[Path]:
    """Return the files with an extension of transcripts, such as ``.vtt``."""
    return sorted(path for path in among if path.suffix.lower() in SUFFIXES and _is_shown(path))


def _listed(manifest: Path) -> Iterator[InterviewFile]:
    entries = read_manifest(manifest)
    named = [(manifest.parent / entry.file, f"{manifest}: {entry.file}") for entry in entries]
    _refuse_outside(manifest.parent, named)
    for entry in entries:
        path = manifest.parent / entry.file
        yield InterviewFile(path, entry.title or path.stem, entry.recorded_at, entry.speakers)


def _refuse_outside(folder: Path, named: Iterable[tuple[Path, str]]) -> None:
    """Refuse files that a folder or its manifest only points to, by ``..`` or by a link.

    Whoever made the folder may be somebody else than who submits it.
    """
    root = _resolved(folder)
    outside = [written for path, written in named if not _resolved(path).is_relative_to(root)]
    if outside:
        others = f" (and {len(outside) - 1} more)" if len(outside) > 1 else ""
        raise UsageError(
            f"{escape_control_characters(outside[0])}{others} lies outside the folder: put "
            "the file in it, or name it on the command line"
        )


def _refuse_odd_names(interviews: Iterable[InterviewFile]) -> None:
    for one in interviews:
        try:
            one.path.name.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"{escape_control_characters(str(one.path))}: its name is not UTF-8, "
                "and an interview is known by its name: rename it"
            ) from error


def _refuse_namesakes(interviews: Iterable[InterviewFile]) -> None:
    seen: dict[str, Path] = {}
    for one in interviews:
        other = seen.setdefault(one.path.name, one.path)
        if other != one.path:
            raise UsageError(
                f"{other} and {one.path} share a name, by which an interview is known in its "
                "study: rename one"
            )


_ENTRIES: Final = TypeAdapter(tuple[ManifestEntry, ...])
