"""CHAT transcripts of the corpora TalkBank and CHILDES (.cha)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan
from transcripts.xml_documents import HEAD_LENGTH

_CHAT_TURN: Final = re.compile(r"\*(?P<code>[A-Z0-9]{1,8}):\s+(?P<said>.*)", re.DOTALL)
_CHAT_TIME: Final = re.compile("\x15(\\d{1,10})_(\\d{1,10})\x15")
_CHAT_MARK: Final = re.compile(r"\[[^\[\]]*\]|[<>]|\(\.+\)|&[=+-]?\S+|\+[./<>\"!?,]+")
_CHAT_PARTICIPANT: Final = re.compile(r"([A-Z0-9]{1,8})(?:\s+(\S+))?\s+(\S+)")


def is_talkbank_chat(content: str) -> bool:
    """Return whether a text is in CHAT, the transcript format of TalkBank and CHILDES."""
    head = content[:HEAD_LENGTH]
    return "@Begin" in head or (head.lstrip("\ufeff").startswith("@UTF8"))


def read_talkbank_chat(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse a CHAT transcript (TalkBank) into passages with speakers and times."""
    del speakers, notices
    lines: list[str] = []
    for line in content.removeprefix("\ufeff").splitlines():
        if line.startswith("\t") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    names: dict[str, str] = defaultdict(str)
    passages: list[SpokenPassage] = []
    for line in lines:
        if line.startswith("@Participants:"):
            for one in line.partition(":")[2].split(","):
                if match := _CHAT_PARTICIPANT.fullmatch(one.strip()):
                    names[match[1]] = (match[2] or match[3]).replace("_", " ")
        elif turn := _CHAT_TURN.match(line):
            passages.append(_chat_passage(turn["said"], names[turn["code"]] or turn["code"]))
    return ParsedTranscript(tuple(passages))


def _chat_passage(said: str, speaker: str) -> SpokenPassage:
    times = _CHAT_TIME.findall(said)
    start_ms = int(times[0][0]) if times else None
    end_ms = max(int(times[-1][1]), int(times[0][0])) if times else None
    plain = _CHAT_MARK.sub(" ", _CHAT_TIME.sub(" ", said))
    plain = re.sub(r"\s+([.?!,;])", r"\1", " ".join(plain.split()))
    return SpokenPassage(speaker, (TextSpan(plain, start_ms, end_ms),))


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.CHAT,
        FormatFamily.RESEARCH,
        "CHAT: TalkBank, CHILDES (.cha)",
        *adapt_text_functions(is_talkbank_chat, read_talkbank_chat),
        "@UTF8\n@Begin\n@Participants:\tODI Odile Investigator\n"
        "*ODI:\tHow ? \x151000_2000\x15\n@End\n",
        confidence=CERTAIN,
        holder="line",
    ),
)
