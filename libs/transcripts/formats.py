"""What a transcript format is: how to recognise it, how to read it, a sample of it.

A module that reads formats has ``FORMATS``; ``registry`` lists the modules. Nothing else needs to
know a new format, but its name in ``contracts.transcript.TranscriptFormat``, which events carry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, TypeVar

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Notices
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.vendors import json_documents as documents

T = TypeVar("T")

CERTAIN: Final = 1.0
"""Confidence by a signature, or by keys that no other tool writes."""
LIKELY: Final = 0.8
"""Confidence by a shape that is one tool's own as far as is known."""
POSSIBLE: Final = 0.5
"""Confidence by a shape that many tools share."""
LAST_RESORT: Final = 0.2
"""Confidence where the content only is not against it."""


class FormatFamily(StrEnum):
    """Family of transcript formats by the tools that write them, such as captions."""

    CAPTIONS = "Captions"
    TEXT = "Text and tables"
    SERVICES = "Transcription services"
    MODELS = "Speech models"
    MEETINGS = "Meetings, calls and podcasts"
    RESEARCH = "Research tools"


class TranscriptContent:
    """Text of a transcript file, with cached derived forms such as parsed JSON.

    Args:
        text: as the vendor exported it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._derived: dict[Callable[[str], Any], Any] = {}

    @cached_property
    def document(self) -> Any:
        """The decoded JSON.

        Raises:
            MalformedTranscriptError: the text is no usable JSON.
        """
        return documents.parse_json(self.text)

    @cached_property
    def is_json(self) -> bool:
        """Whether the text is meant as JSON; others begin with ``[00:12]`` or ``{1}{25}``."""
        beginning = self.text.removeprefix("\ufeff").lstrip()[:2]
        if beginning[:1] != "[":
            return beginning[:1] == "{" and not beginning[1:].isdecimal()
        try:
            return self.document is not None
        except MalformedTranscriptError:
            return False

    def derive(self, make: Callable[[str], T]) -> T:
        """What a function makes of the text, made once."""
        if make not in self._derived:
            self._derived[make] = make(self.text)
        made: T = self._derived[make]
        return made


@dataclass(frozen=True, slots=True)
class FormatDefinition:
    """Definition of a transcript format: functions that recognise and parse it, and a sample.

    Attributes:
        name: what events call it.
        family: the kind of source.
        written_by: tools that write it, for people.
        recognises: whether a content has its shape.
        read: takes the passages out of a content. Raises ``MalformedTranscriptError``.
        sample: a small content of this format.
        confidence: how sure it is where ``recognises`` holds, above 0, at most 1; formats are tried
            in falling order.
        json: its content is JSON.
        holder: what notices call the places in it: ``line``, or the vendor's word.
    """

    name: TranscriptFormat
    family: FormatFamily
    written_by: str
    recognises: Callable[[TranscriptContent], bool]
    read: Callable[[TranscriptContent, Sequence[Speaker], Notices], ParsedTranscript]
    sample: str
    confidence: float = LIKELY
    json: bool = False
    holder: str = "passage"


Recognises = Callable[[TranscriptContent], bool]
Reads = Callable[[TranscriptContent, Sequence[Speaker], Notices], ParsedTranscript]


def adapt_text_functions(
    matches: Callable[[str], bool],
    read: Callable[[str, Sequence[Speaker], Notices], ParsedTranscript],
) -> tuple[Recognises, Reads]:
    """Wrap two functions of a text, so that they fit the signatures of a ``FormatDefinition``."""
    return (
        lambda content: matches(content.text),
        lambda content, speakers, notices: read(content.text, speakers, notices),
    )


def adapt_json_functions(
    matches: Callable[[Any], bool],
    read: Callable[[Any, Notices], ParsedTranscript | Iterable[SpokenPassage]],
) -> tuple[Recognises, Reads]:
    """Wrap two functions of parsed JSON, so that they fit a ``FormatDefinition``."""

    def passages(
        content: TranscriptContent, speakers: Sequence[Speaker], notices: Notices
    ) -> ParsedTranscript:
        del speakers  # labels are explicit here; roles are given later
        if not matches(content.document):
            raise MalformedTranscriptError("the JSON does not have the shape of that format")
        found = read(content.document, notices)
        return found if isinstance(found, ParsedTranscript) else ParsedTranscript(tuple(found))

    return lambda content: matches(content.document), passages
