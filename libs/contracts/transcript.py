"""Models of a transcript, independent of its vendor's format."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.bounds import MAX_EXACT_INTEGER, MAX_SEGMENTS, STORABLE, Amount, Number, Passage
from contracts.study import ContractModel

Milliseconds = Annotated[int, Field(ge=0, le=MAX_EXACT_INTEGER)]
"""Time from the start of the recording, in milliseconds."""

SpeakerLabel = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE
]


class TranscriptFormat(StrEnum):
    """Format of a transcript file, such as ``webvtt``."""

    WEBVTT = "webvtt"
    SRT = "srt"
    PLAIN = "plain"
    REV = "rev"
    AMBERSCRIPT = "amberscript"
    WHISPER = "whisper"
    WHISPER_CPP = "whisper-cpp"
    HUGGING_FACE = "hugging-face"
    VOSK = "vosk"
    ASSEMBLYAI = "assemblyai"
    DEEPGRAM = "deepgram"
    SPEECHMATICS = "speechmatics"
    SPEECHMATICS_V1 = "speechmatics-v1"
    GLADIA = "gladia"
    ELEVENLABS = "elevenlabs"
    TRINT = "trint"
    AWS = "aws-transcribe"
    AWS_CALLS = "aws-call-analytics"
    GOOGLE = "google-speech"
    AZURE = "azure-speech"
    WATSON = "watson"
    GOOGLE_MEET = "google-meet"
    FIREFLIES = "fireflies"
    PODCAST = "podcast"
    YOUTUBE = "youtube"
    RECALL = "recall"
    GONG = "gong"
    QMSUM = "qmsum"
    OTRANSCRIBE = "otranscribe"
    TTML = "ttml"
    ASS = "ass"
    SAMI = "sami"
    TIMED_TEXT = "timed-text"
    HTML = "html"
    MESSAGE_PAGE = "message-page"
    IMESSAGE = "imessage"
    LINE = "line"
    LATEX = "latex"
    EAF = "elan"
    CHAT = "chat"
    TEXTGRID = "textgrid"
    TRANSCRIBER = "transcriber"
    EXMARALDA = "exmaralda"
    FOLKER = "folker"
    TEI = "tei"
    OHMS = "ohms"
    AKOMA_NTOSO = "akoma-ntoso"
    STM = "stm"
    CTM = "ctm"
    MICRODVD = "microdvd"
    TABLE = "table"
    TURNS = "turns"
    XML_TURNS = "xml-turns"


class ContentForm(StrEnum):
    """Form of the content in a submission: text, compressed text, or the URI of a file."""

    TEXT = "text"
    GZIP = "gzip+base64"
    URI = "uri"


class Role(StrEnum):
    """Role of a speaker in the interview: interviewer, participant or unknown."""

    PARTICIPANT = "participant"
    INTERVIEWER = "interviewer"
    UNKNOWN = "unknown"


class Speaker(ContractModel):
    """Speaker of an interview, with the role that the producer declares."""

    label: SpeakerLabel = Field(description="The name exactly as the transcript has it.")
    role: Role = Field(description="What this speaker is in the interview.")


class WordTiming(ContractModel):
    """Start and end time of one word of a segment."""

    offset: Amount = Field(description="Index of the word's first character in the text.")
    start_ms: Milliseconds = Field(description="When the word begins.")
    end_ms: Milliseconds = Field(description="When the word ends.")


class Segment(ContractModel):
    """One speaker's turn in a transcript; in an interview chunk, part of the turn if it is long."""

    number: Number = Field(description="Position in the transcript, from 1, without gaps.")
    speaker: SpeakerLabel = Field(description="The speaker's name as the transcript has it.")
    role: Role = Field(Role.UNKNOWN, description="What the speaker is in the interview.")
    text: Passage = Field(
        min_length=1, description="The words, exactly as evidence will quote them."
    )
    start_ms: Milliseconds | None = Field(None, description="Begin, where the source has times.")
    end_ms: Milliseconds | None = Field(None, description="End, where the source has times.")
    words: tuple[WordTiming, ...] = Field(
        (),
        max_length=MAX_SEGMENTS,
        description="Word times in order of offset, where the source has them.",
    )
    text_offset: Amount = Field(
        0,
        description="Index of the text's first character in the whole turn, where a chunk has only "
        "a part of the turn.",
    )


def encode_word_times(words: Iterable[WordTiming]) -> str | None:
    """Return the times of a segment's words as compact JSON, as it is stored; None of no words."""
    times = [(word.offset, word.start_ms, word.end_ms) for word in words]
    return json.dumps(times, separators=(",", ":")) if times else None


def decode_word_times(text: str | None) -> tuple[WordTiming, ...]:
    """Return the times of a segment's words from what ``encode_word_times`` made of them."""
    return tuple(
        WordTiming(offset=offset, start_ms=start, end_ms=end)
        for offset, start, end in json.loads(text or "[]")
    )
