"""Find the turns that a pair names by file and number, in data that lies outside the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from evaluation.errors import InputError
from evaluation.grounding.dialogues import Turn
from evaluation.inputs import read_text
from grounding.text.words import split_words
from transcripts import TranscriptError, read_transcript

_MEETING: Final = "meeting_transcripts"
"""The field of QMSum's files that holds the turns."""


class SourceFolder:
    """Folder of the data that pairs are on; each file is read once.

    A JSON file is a meeting as QMSum has it, of which a turn's number is its index in
    ``meeting_transcripts``, from 0. Any other file is a table with a line an utterance and a
    line of column names above, such as CORAAL's; there the number is the line's, from 1.
    """

    def __init__(self, folder: Path) -> None:
        """Read files from a folder, which need not exist."""
        self._folder = folder
        self._read_meeting = cache(self._load_meeting)
        self._read_lines = cache(self._load_lines)

    def read_turns(self, source: str, first: int, last: int) -> tuple[Turn, ...] | None:
        """Return the turns from the first to the last number; None if the file is not there.

        Raises:
            ValueError: the source is outside the folder, is in none of the forms, or has no such
                turns; the message is one line.
        """
        name = PurePosixPath(source)
        if name.is_absolute() or ".." in name.parts:
            raise ValueError(f"source {source} is not in the folder of data")
        if not (self._folder / name).is_file():
            return None
        turns = (
            self._take_from_meeting(source, first, last)
            if name.suffix == ".json"
            else self._take_from_table(source, first, last)
        )
        turns = tuple(one for one in turns if split_words(one.text))
        if not turns:
            raise ValueError(f"nobody speaks in {first} to {last} of {source}")
        return turns

    def _take_from_meeting(self, source: str, first: int, last: int) -> tuple[Turn, ...]:
        turns = self._read_meeting(source)
        if first < 0 or last >= len(turns):
            raise ValueError(f"{source} has turns 0 to {len(turns) - 1}, not {first} to {last}")
        return tuple(turns[first : last + 1])

    def _take_from_table(self, source: str, first: int, last: int) -> tuple[Turn, ...]:
        header, *lines = self._read_lines(source)
        end = len(lines) + 1
        if first < 2 or last > end:  # noqa: PLR2004 - line 1 has the columns' names
            raise ValueError(f"{source} has utterances in lines 2 to {end}, not {first} to {last}")
        try:
            passage = "\n".join([header, *lines[first - 2 : last - 1]])
            segments = read_transcript(passage).segments
        except TranscriptError as error:
            raise ValueError(f"lines {first} to {last} of {source}: {error}") from error
        return tuple(Turn(one.speaker, one.text) for one in segments)

    def _load_meeting(self, source: str) -> Sequence[Turn]:
        try:
            meeting = json.loads(self._read(source))
            return [_parse_turn(one) for one in meeting[_MEETING]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{source} is no meeting in QMSum's form") from error

    def _load_lines(self, source: str) -> Sequence[str]:
        return self._read(source).rstrip("\n").split("\n")

    def _read(self, source: str) -> str:
        try:
            return read_text(self._folder / source)
        except InputError as error:
            raise ValueError(str(error)) from error


def _parse_turn(turn: Mapping[str, Any]) -> Turn:
    return Turn(str(turn["speaker"]), str(turn["content"]))
