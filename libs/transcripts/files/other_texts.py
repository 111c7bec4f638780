"""Texts that look like transcripts and are none: e-mails, logs, tracks of a video's pictures."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_MAIL_HEADER: Final = re.compile(
    r"(?:from|to|cc|bcc|subject|date|sent|reply-to|message-id|received|return-path|mime-version"
    r"|von|an|betreff|gesendet|de|à|objet|envoyé|para|asunto|enviado):\s*\S",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(r"(?:subject|betreff|objet|asunto):", re.IGNORECASE)
_LEVEL: Final = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\b"
_LOGGED: Final = re.compile(
    # `2024-03-04 10:00:01 INFO`, `[10:00:01] [main/INFO]`
    r"[\[(]?(?:\d{4}[-/]\d{2}[-/]\d{2}[T ])?\d{2}:\d{2}:\d{2}\S*\s+(?:-\s+)?"
    rf"(?:[\[(<]?[\w.-]{{1,40}}(?:\]:?\s*|\s+(?:[|-]\s+)?|/))?[\[(<]?{_LEVEL}"
    # `INFO:root:started`, `[ERROR] lost`
    rf"|[\[(<]?{_LEVEL}[\])>]?(?::[\w.]{{1,40}}:|[ :]\s*\d{{4}}-|\s+\[)"
    # `Mar  4 10:00:01 host sshd[12]:`, and what web servers write
    r"|[A-Z][a-z]{2}\s{1,2}\d{1,2} \d{2}:\d{2}:\d{2} [\w.-]{1,60} [\w./-]{1,60}(?:\[\d{1,8}\])?: "
    r"|\S{3,60} \S{1,40} \S{1,40} \[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:"
)
# Who speaks when, without words: `SPEAKER talk 1 0.5 2.1 <NA> <NA> ann <NA> <NA>`.
_DIARISED: Final = re.compile(r"SPEAKER \S+ \d{1,3} [\d.]{1,12} [\d.]{1,12} <NA> <NA> \S+ <NA>.*")
_PICTURE: Final = re.compile(r"\S{1,400}(?:#xywh=[\d,]{7,40}|\.(?:jpe?g|png|webp)(?:\?\S{0,200})?)")
_TIMING: Final = "-->"
_SIGNATURE_LENGTH: Final = 40
_HEAD_LINES: Final = 10
_FEWEST_HEADERS: Final = 3
_FEWEST_LOGGED: Final = 3
_LINES_LOOKED_AT: Final = 200
_MOST: Final = 0.6


def describe_non_transcript_text(content: str) -> str:
    """Return what kind of text a non-transcript seems to be, such as ``an e-mail``, or ""."""
    if content[:_SIGNATURE_LENGTH].removeprefix("\ufeff").startswith("Scenarist_SCC"):
        return "Scenarist's closed captions (SCC), which hold codes: export them as SRT or WebVTT"
    lines = [
        line.strip() for line in content[:20_000].removeprefix("\ufeff").splitlines()
        if line.strip()
    ][:_LINES_LOOKED_AT]  # fmt: skip
    head = lines[:_HEAD_LINES]
    headers = [line for line in head if _MAIL_HEADER.match(line)]
    if len(headers) >= _FEWEST_HEADERS and head[0] in headers and any(map(_SUBJECT.match, headers)):
        return "an e-mail: save the transcript in it as a file of its own"
    logged = sum(_LOGGED.match(line) is not None for line in lines)
    if logged >= max(_FEWEST_LOGGED, _MOST * len(lines)):
        return "the log of a program"
    if lines and all(map(_DIARISED.fullmatch, lines)):
        return "a list of who speaks when (RTTM), which has no words"
    if lines and lines[0].startswith("WEBVTT") and _names_pictures(lines):
        return "a track of a video's thumbnails, which names pictures"
    return ""


def _names_pictures(lines: list[str]) -> bool:
    """Whether nothing but the name of a picture stands below each time."""
    below = [after for line, after in pairwise(lines) if _TIMING in line]
    return bool(below) and all(map(_PICTURE.fullmatch, below))
