"""Reading a transcript of any supported format, and finding out which it is."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from contracts.characters import may_contain_hidden_characters
from contracts.transcript import Role, Segment, Speaker, TranscriptFormat
from transcripts.captions.cues import split_lines
from transcripts.captions.webvtt import is_webvtt
from transcripts.errors import (
    DoubtfulTranscriptError,
    EmptyTranscriptError,
    MalformedTranscriptError,
    UnknownFormatError,
)
from transcripts.files.other_texts import describe_non_transcript_text
from transcripts.formats import FormatDefinition, TranscriptContent
from transcripts.limits import (
    LIMITS,
    check_invisible_characters,
    check_json_objects,
    check_text_length,
    check_utf8_size,
)
from transcripts.notices import Notices
from transcripts.plain_text.reader import is_key_value_file
from transcripts.registry import RecognisedFormat, get_format, recognise_format
from transcripts.report import ReadingReport, build_report
from transcripts.segments.splitting import MAX_SEGMENT_CHARACTERS
from transcripts.segments.turns import ParsedTranscript, build_segments, normalize_label
from transcripts.speakers.stage_directions import move_stage_directions_to_text
from transcripts.text import clean_text, shorten_blanks

DEFAULT_MAX_BYTES: Final = LIMITS.utf8_bytes
"""Default limit of a transcript's text, in bytes as UTF-8."""

_ESCAPES: Final = ("\\u", "\\b", "\\f")
"""Beginnings of characters that JSON has under other names."""
_KEYS_SHOWN = 8
_KEY_LENGTH = 24
_SUPPORTED = (
    "WebVTT, SRT, SBV and TTML captions, plain text with speakers' names or times, tables (CSV, "
    "TSV), the JSON of transcription services, and files of research tools such as ELAN and Praat"
)


@dataclass(frozen=True, slots=True)
class TranscriptReading:
    """Result of parsing a transcript: its format, its segments, and a report.

    ``report`` says what was read and mended, and what is in doubt; its sentences quote nothing but
    labels.
    """

    format: TranscriptFormat
    segments: tuple[Segment, ...]
    report: ReadingReport

    @property
    def notices(self) -> tuple[str, ...]:
        """What was mended, in sentences for people."""
        return self.report.notices

    def refuse_doubts(self) -> None:
        """Refuse a reading in which it is in doubt who speaks.

        Raises:
            DoubtfulTranscriptError: names the doubts.
        """
        if self.report.doubts:
            raise DoubtfulTranscriptError(
                "who speaks is in doubt: " + "; ".join(self.report.doubts)
            )


def read_transcript(
    content: str,
    *,
    format: TranscriptFormat | None = None,  # noqa: A002  # the word the event uses for it
    speakers: Sequence[Speaker] = (),
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_segment_characters: int = MAX_SEGMENT_CHARACTERS,
) -> TranscriptReading:
    """Parse a transcript's text into segments, each with its speaker and times.

    Args:
        content: the file's text as the vendor exported it.
        format: its format, if known; found from the content if not.
        speakers: roles of speakers whose labels do not tell them.
        max_bytes: the most the text may take as UTF-8.
        max_segment_characters: a longer turn is split into several segments.

    Returns:
        The format, the segments numbered from 1, and what was mended on the way.

    Raises:
        TooLargeTranscriptError: the text is longer than ``max_bytes``, or something in it is
            beyond ``transcripts.limits.LIMITS``.
        EmptyTranscriptError: nothing was said in it.
        UnknownFormatError: it is in none of the supported formats.
        MalformedTranscriptError: a place in it cannot be read.
        ValueError: ``max_segment_characters`` is not positive.
    """
    if max_segment_characters < 1:
        raise ValueError("max_segment_characters must be positive")
    with _collector_paused():
        return _read(content, format, speakers, max_bytes, max_segment_characters)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from running.

    Reading makes hundreds of thousands of objects and no cycles; looking through them again and
    again takes up to a third of the time. Sizes are bounded by ``LIMITS``.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(
    content: str,
    format: TranscriptFormat | None,  # noqa: A002  # the word the event uses for it
    speakers: Sequence[Speaker],
    max_bytes: int,
    max_segment_characters: int,
) -> TranscriptReading:
    check_utf8_size(content, max_bytes)
    begins = content.removeprefix("\ufeff").lstrip()[:1]
    if begins not in ("{", "[", "<"):
        check_text_length(content)
    if begins in ("{", "["):
        check_json_objects(content)
    check_invisible_characters(content)
    _refuse_empty(content)
    content = shorten_blanks(content)
    whole = TranscriptContent(content)
    recognised = RecognisedFormat(get_format(format), 1.0) if format else _recognise(whole)
    found = recognised.format
    if found.name is not TranscriptFormat.WEBVTT and is_webvtt(content):
        raise MalformedTranscriptError(f"the text is WebVTT, declared as {found.name.value}")
    notices = Notices()
    source = move_stage_directions_to_text(found.read(whole, speakers, notices))
    _report_hidden(content, found, source, notices)
    segments = build_segments(source, speakers, notices, max_segment_characters)
    if not segments:
        raise EmptyTranscriptError(f"the transcript ({found.name.value}) holds no spoken words")
    report = build_report(recognised, segments, notices.sentences(), source)
    if report.doubts:
        segments = _without_guessed_roles(segments, speakers)
    return TranscriptReading(found.name, segments, report)


def _without_guessed_roles(
    segments: tuple[Segment, ...], declared: Sequence[Speaker]
) -> tuple[Segment, ...]:
    """The segments with those roles only that the producer declared."""
    known = {normalize_label(one.label).casefold() for one in declared}
    return tuple(
        one if one.speaker.casefold() in known else one.model_copy(update={"role": Role.UNKNOWN})
        for one in segments
    )


def _report_hidden(
    content: str, found: FormatDefinition, source: ParsedTranscript, notices: Notices
) -> None:
    """Tell what is taken out of the text, by line, or by what JSON has in place of lines."""
    if found.holder == "line":
        if may_contain_hidden_characters(content):
            for number, line in enumerate(split_lines(content), start=1):
                notices.look_for_hidden(line, f"line {number}")
        return
    if not may_contain_hidden_characters(content) and not _has_escapes(content):
        return
    for number, passage in enumerate(source.passages, start=1):
        text = "".join([one.text for one in passage.pieces])
        if text.isascii() and text.isprintable():
            continue
        notices.look_for_hidden(text, f"{found.holder} {number}")


def _has_escapes(content: str) -> bool:
    """Whether JSON or mark-up may have characters under other names."""
    return "&" in content or ("\\" in content and any(one in content for one in _ESCAPES))


def detect_format(content: str) -> TranscriptFormat:
    """Detect the format of a transcript from its text.

    Raises:
        EmptyTranscriptError: there is no text.
        UnknownFormatError: it is in none of the supported formats.
        MalformedTranscriptError: it is meant as JSON and is not.
    """
    _refuse_empty(content)
    return _recognise(TranscriptContent(content)).format.name


def _recognise(content: TranscriptContent) -> RecognisedFormat:
    if content.text.strip()[:1] == content.text.strip()[-1:] == '"' and "\\n" in content.text:
        raise UnknownFormatError("the text is one string of JSON: export what is in it instead")
    if not content.is_json and is_key_value_file(content.text):
        raise UnknownFormatError(
            f"the text looks like YAML or a settings file; supported are {_SUPPORTED}"
        )
    if other := describe_non_transcript_text(content.text):
        raise UnknownFormatError(f"the text looks like {other}")
    found = recognise_format(content)
    if found is not None:
        return found
    if content.is_json:
        if key := _find_long_text(content.document):
            raise UnknownFormatError(
                f"the JSON holds the transcript as one text under {key!r}: save that text as a file"
            )
        raise UnknownFormatError(
            f"JSON of an unknown vendor, {_shape(content.document)}; supported are {_SUPPORTED}"
        )
    raise UnknownFormatError(
        f"no speaker's name and no cue was found in the text; supported are {_SUPPORTED}"
    )


def _find_long_text(document: object) -> str:
    """The key of a text of several lines at the top of a JSON document; "" if there is none."""
    items = document.items() if isinstance(document, dict) else ()
    return next(
        (
            clean_text(key)[:_KEY_LENGTH]
            for key, value in items
            if isinstance(value, str) and value.strip().count("\n") > 1
        ),
        "",
    )


def _shape(document: object) -> str:
    if not isinstance(document, dict):
        return "a list at the top"
    shown = [clean_text(key)[:_KEY_LENGTH] for key in list(document)[:_KEYS_SHOWN]]
    more = ", ..." if len(document) > _KEYS_SHOWN else ""
    return f"with the keys {', '.join(shown)}{more}" if shown else "without any key"


def _refuse_empty(content: str) -> None:
    if not content.strip("\ufeff \t\r\n\f\v\x00"):
        raise EmptyTranscriptError("the transcript is empty")
