"""Which files are interviews: those named, those in a folder, and what a manifest says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contracts.study import Text
from contracts.transcript import Speaker
from onrecord.errors import UsageError
from onrecord.faults import faults
from onrecord.files import read_yaml

STUDY_FILE: Final = "study.yaml"
MANIFEST_FILE: Final = "manifest.yaml"
SUFFIXES: Final = frozenset({".vtt", ".srt", ".txt", ".json"})
"""What a folder's transcripts end with, where no manifest lists them."""
_YAML: Final = frozenset({".yaml", ".yml"})


class ManifestEntry(BaseModel):
    """What a manifest says of one interview."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Annotated[str, Field(min_length=1, description="Its path, from the manifest's folder.")]
    title: Annotated[Text | None, Field(description="What people call the interview.")] = None
    recorded_at: Annotated[datetime | None, Field(description="When it took place.")] = None
    speakers: Annotated[
        tuple[Speaker, ...], Field(description="Roles, where the labels do not tell them.")
    ] = ()


@dataclass(frozen=True, slots=True)
class InterviewFile:
    """One interview to submit.

    Attributes:
        path: its transcript.
        title: what people call it.
        recorded_at: when it took place, if that is known.
        speakers: the roles that were declared.
    """

    path: Path
    title: str
    recorded_at: datetime | None = None
    speakers: tuple[Speaker, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command line means.

    Attributes:
        interviews: in order, each once.
        study_file: the study's file that lies with them, if one does.
    """

    interviews: tuple[InterviewFile, ...]
    study_file: Path | None


def read_manifest(path: Path) -> tuple[ManifestEntry, ...]:
    """The entries of a manifest, a YAML list.

    Raises:
        UsageError: it cannot be read, or an entry is wrong; names the entry's fields.
    """
    try:
        entries = _ENTRIES.validate_python(read_yaml(path) or ())
    except ValidationError as error:
        raise UsageError(f"{path}: not a manifest: {faults(error)}") from error
    if not entries:
        raise UsageError(f"{path}: the manifest lists no interview")
    return entries


def select(paths: Sequence[Path], manifest: Path | None = None) -> Selection:
    """Find the interviews.

    Args:
        paths: files and folders. A folder stands for what its ``manifest.yaml`` lists, or for
            all its files that look like transcripts. Without any, the manifest's entries are
            meant.
        manifest: says more about the files.

    Raises:
        UsageError: nothing is there, two files share a name, or a manifest is wrong.
    """
    listed = {entry.path: entry for entry in _listed(manifest)} if manifest else {}
    found = dict.fromkeys(_files(paths, listed)) if paths else dict.fromkeys(listed.values())
    interviews = tuple(found)
    _refuse_namesakes(interviews)
    folders = [path for path in paths if path.is_dir()] or ([manifest.parent] if manifest else [])
    studies = (folder / STUDY_FILE for folder in folders)
    return Selection(interviews, next((study for study in studies if study.is_file()), None))


def _files(paths: Iterable[Path], listed: dict[Path, InterviewFile]) -> Iterator[InterviewFile]:
    by_place = {path.resolve(): entry for path, entry in listed.items()}
    for path in paths:
        if path.suffix.lower() in _YAML:
            raise UsageError(
                f"{path}: YAML is no transcript: a study's file goes behind --study, a manifest "
                "behind --manifest"
            )
        inside = _folder(path) if path.is_dir() else (InterviewFile(path, path.stem),)
        yield from (by_place.get(one.path.resolve(), one) for one in inside)


def _folder(folder: Path) -> Sequence[InterviewFile]:
    if (manifest := folder / MANIFEST_FILE).is_file():
        return tuple(_listed(manifest))
    found = transcript_files(folder.iterdir())
    if not found:
        raise UsageError(f"{folder}: no transcript in this folder ({', '.join(sorted(SUFFIXES))})")
    return [InterviewFile(path, path.stem) for path in found]


def transcript_files(among: Iterable[Path]) -> list[Path]:
    """Those that look like transcripts by what their names end with, in order."""
    return sorted(path for path in among if path.suffix.lower() in SUFFIXES and path.is_file())


def _listed(manifest: Path) -> Iterator[InterviewFile]:
    for entry in read_manifest(manifest):
        path = manifest.parent / entry.file
        yield InterviewFile(path, entry.title or path.stem, entry.recorded_at, entry.speakers)


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
