"""Texts that have a colon in most lines and are no transcripts: e-mails and logs."""

from __future__ import annotations

import re
from typing import Final

_MAIL_HEADER: Final = re.compile(
    r"(?:from|to|cc|bcc|subject|date|sent|reply-to|message-id|received|return-path|mime-version"
    r"|von|an|betreff|gesendet|de|à|objet|envoyé|para|asunto|enviado):\s*\S",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(r"(?:subject|betreff|objet|asunto):", re.IGNORECASE)
_LOGGED: Final = re.compile(
    r"\[?\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\S*\s+\[?"
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b"
)
_SIGNATURE_LENGTH: Final = 40
_HEAD_LINES: Final = 10
_FEWEST_HEADERS: Final = 3
_FEWEST_LOGGED: Final = 3
_LINES_LOOKED_AT: Final = 200
_MOST: Final = 0.6


def describe_other_text(content: str) -> str:
    """Return what a text that is no transcript looks like, such as ``an e-mail``, or ""."""
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
    return ""
