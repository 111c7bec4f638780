"""Reading a transcript of any supported format, and finding out which it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from contracts.transcript import Role, Segment, Speaker, TranscriptFormat
from transcripts import documents, vendors
from transcripts.amberscript import is_amberscript, read_amberscript
from transcripts.cues import split_lines
from transcripts.errors import (
    DoubtfulTranscriptError,
    EmptyTranscriptError,
    MalformedTranscriptError,
    UnknownFormatError,
)
from transcripts.limits import LIMITS, refuse_bytes, refuse_long_text
from transcripts.markup_files import (
    is_chat,
    is_eaf,
    is_html_transcript,
    is_timed_text,
    is_ttml,
    read_chat,
    read_eaf,
    read_html,
    read_timed_text,
    read_ttml,
)
from transcripts.notices import Notices
from transcripts.plain import is_plain, is_settings, read_plain
from transcripts.report import ReadingReport, report_on
from transcripts.rev import is_rev, read_rev
from transcripts.splitting import MAX_SEGMENT_CHARACTERS
from transcripts.srt import is_ass, is_srt, read_ass, read_srt
from transcripts.tables import is_table, read_table
from transcripts.text import clean
from transcripts.turns import Source, label_of, segments_of
from transcripts.vendors.meetings import is_otranscribe, otranscribe_text
from transcripts.webvtt import is_webvtt, read_webvtt

DEFAULT_MAX_BYTES: Final = LIMITS.utf8_bytes
"""Bytes of a transcript's text as UTF-8, unless told otherwise."""

_KEYS_SHOWN = 8
_KEY_LENGTH = 24
_SUPPORTED = (
    "WebVTT, SRT, SBV and TTML captions, plain text with speakers' names or times, tables (CSV, "
    "TSV), and the JSON of transcription services"
)


def _read_vendor(
    vendor: TranscriptFormat, content: str, speakers: Sequence[Speaker], notices: Notices
) -> Source:
    del speakers  # labels are explicit here; roles are given later
    return vendors.read(vendor, documents.load(content), notices)


def _read_otranscribe(content: str, speakers: Sequence[Speaker], notices: Notices) -> Source:
    document = documents.load(content)
    if not is_otranscribe(document):
        raise MalformedTranscriptError("the JSON does not have the shape of otranscribe")
    return read_plain(otranscribe_text(document), speakers, notices)


_READERS: Final[dict[TranscriptFormat, Callable[[str, Sequence[Speaker], Notices], Source]]] = {
    TranscriptFormat.WEBVTT: read_webvtt,
    TranscriptFormat.SRT: read_srt,
    TranscriptFormat.PLAIN: read_plain,
    TranscriptFormat.REV: read_rev,
    TranscriptFormat.AMBERSCRIPT: read_amberscript,
    TranscriptFormat.OTRANSCRIBE: _read_otranscribe,
    TranscriptFormat.TTML: read_ttml,
    TranscriptFormat.ASS: read_ass,
    TranscriptFormat.TIMED_TEXT: read_timed_text,
    TranscriptFormat.EAF: read_eaf,
    TranscriptFormat.HTML: read_html,
    TranscriptFormat.CHAT: read_chat,
    TranscriptFormat.TABLE: read_table,
    **{one: partial(_read_vendor, one) for one in vendors.formats()},
}
_TEXTS: Final = (
    (is_ttml, TranscriptFormat.TTML),
    (is_timed_text, TranscriptFormat.TIMED_TEXT),
    (is_eaf, TranscriptFormat.EAF),
    (is_html_transcript, TranscriptFormat.HTML),
    (is_chat, TranscriptFormat.CHAT),
    (is_ass, TranscriptFormat.ASS),
    (is_srt, TranscriptFormat.SRT),
    (is_table, TranscriptFormat.TABLE),
)
"""Texts whose beginning or timing lines tell their format, in the order in which they are tried."""
_DOCUMENTS: Final = (
    (is_rev, TranscriptFormat.REV),
    (is_otranscribe, TranscriptFormat.OTRANSCRIBE),
    (is_amberscript, TranscriptFormat.AMBERSCRIPT),
)

_HOLDERS: Final = {
    TranscriptFormat.REV: "monologue",
    TranscriptFormat.AMBERSCRIPT: "segment",
}
"""What vendors call the parts of their JSON that speech is in."""

_LINES: Final = {
    TranscriptFormat.WEBVTT,
    TranscriptFormat.SRT,
    TranscriptFormat.PLAIN,
    TranscriptFormat.CHAT,
    TranscriptFormat.TABLE,
}
"""Formats whose files are read as they stand, line by line."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript once read.

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
) -> Reading:
    """Read a transcript into turns.

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
    refuse_bytes(content, max_bytes)
    if not content.removeprefix("\ufeff").lstrip().startswith(("{", "[", "<")):
        refuse_long_text(content)
    found = format or detect_format(content)
    _refuse_empty(content)
    if found is not TranscriptFormat.WEBVTT and is_webvtt(content):
        raise MalformedTranscriptError(f"the text is WebVTT, declared as {found.value}")
    notices = Notices()
    source = _READERS[found](content, speakers, notices)
    _report_hidden(content, found, source, notices)
    segments = segments_of(source, speakers, notices, max_segment_characters)
    if not segments:
        raise EmptyTranscriptError(f"the transcript ({found.value}) holds no spoken words")
    report = report_on(
        found,
        segments,
        notices.sentences(),
        rejected_labels=source.rejected_labels,
        once=source.labels_seen_once,
    )
    if report.doubts:
        segments = _without_guessed_roles(segments, speakers)
    return Reading(found, segments, report)


def _without_guessed_roles(
    segments: tuple[Segment, ...], declared: Sequence[Speaker]
) -> tuple[Segment, ...]:
    """The segments with those roles only that the producer declared."""
    known = {label_of(one.label).casefold() for one in declared}
    return tuple(
        one if one.speaker.casefold() in known else one.model_copy(update={"role": Role.UNKNOWN})
        for one in segments
    )


def _report_hidden(content: str, found: TranscriptFormat, source: Source, notices: Notices) -> None:
    """Tell what is taken out of the text, by line, or by what JSON has in place of lines."""
    if found not in _LINES:
        holder = _HOLDERS.get(found, "passage")
        for number, passage in enumerate(source.passages, start=1):
            text = "".join(one.text for one in passage.pieces)
            notices.look_for_hidden(text, f"{holder} {number}")
        return
    for number, line in enumerate(split_lines(content), start=1):
        notices.look_for_hidden(line, f"line {number}")


def detect_format(content: str) -> TranscriptFormat:
    """Find the format of a transcript from its text.

    Raises:
        EmptyTranscriptError: there is no text.
        UnknownFormatError: it is in none of the supported formats.
        MalformedTranscriptError: it is meant as JSON and is not.
    """
    _refuse_empty(content)
    if is_webvtt(content):
        return TranscriptFormat.WEBVTT
    # A plain text may begin with `[00:12]`, so only an object must be JSON.
    beginning = content.removeprefix("\ufeff").lstrip()[:1]
    if beginning == "{" or (beginning == "[" and _is_json(content)):
        return _detect_vendor(documents.load(content))
    for matches, found in _TEXTS:
        if matches(content):
            return found
    if is_settings(content):
        raise UnknownFormatError(
            f"the text looks like YAML or a settings file; supported are {_SUPPORTED}"
        )
    if is_plain(content):
        return TranscriptFormat.PLAIN
    raise UnknownFormatError(
        f"no speaker's name and no cue was found in the text; supported are {_SUPPORTED}"
    )


def _detect_vendor(document: object) -> TranscriptFormat:
    found = vendors.detect(document)
    if found is TranscriptFormat.TURNS and is_amberscript(document):
        return TranscriptFormat.AMBERSCRIPT
    for matches, known in _DOCUMENTS:
        if found is None and matches(document):
            return known
    if found is not None:
        return found
    raise UnknownFormatError(
        f"JSON of an unknown vendor, {_shape(document)}; supported are {_SUPPORTED}"
    )


def _shape(document: object) -> str:
    if not isinstance(document, dict):
        return "a list at the top"
    shown = [clean(key)[:_KEY_LENGTH] for key in list(document)[:_KEYS_SHOWN]]
    more = ", ..." if len(document) > _KEYS_SHOWN else ""
    return f"with the keys {', '.join(shown)}{more}" if shown else "without any key"


def _is_json(content: str) -> bool:
    try:
        documents.load(content)
    except MalformedTranscriptError:
        return False
    return True


def _refuse_empty(content: str) -> None:
    if not content.strip("\ufeff \t\r\n\f\v\x00"):
        raise EmptyTranscriptError("the transcript is empty")
