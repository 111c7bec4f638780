"""Text exports of Apple's Messages: a date and time, the sender below it, the words below that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cues import split_lines
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan

_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2})?(?:[ \u202f][AP]M)?"
_STAMP: Final = re.compile(
    rf"(?P<indent> *)(?P<sent>[A-Z][a-z]{{2,8}} \d{{1,2}}, \d{{4}},?(?: at)?\s+{_CLOCK}"
    rf"|\d{{4}}-\d{{2}}-\d{{2}}\s+{_CLOCK})"
    r"(?P<note>\s+\((?:Read|Delivered|Edited|Sent)\b[^()]{0,80}\))*(?P<rest>\s+\S.*)?"
)
# `2024-05-17 17:29:42 from Ann Lee (+15550100) - Read`, as other tools put all on one line.
_FROM: Final = re.compile(
    r"\s+(?P<way>from|to) (?P<name>[^()]{1,80}?)(?: \([^()]{3,60}\))?(?: - [A-Z].{2,40})?"
)
_TAPBACKS: Final = re.compile(r"(?:Tapbacks|Reactions):")
_TAPBACK: Final = re.compile(
    r"(?:(?:Dis)?[Ll]iked|Loved|Laughed(?: at)?|Emphasized|Questioned|Sticker|\W{1,4})"
    r" (?:by|from) .+"
)
_NOTE: Final = re.compile(
    r"This message responded to an earlier message\.|Sent with [A-Z].{2,30}"
    r"|(?:attachments/|~?/(?:Users|Library|var)/|\.\./).+\.\w{2,5}"
    r"|Attachment (?:missing|not found).*|This message was deleted from the conversation!|\ufffc+"
    r"|.{1,60} unsent (?:a|this) message.*"
)
_FEW: Final = 2
_LOOKED_AT: Final = 20_000
_OWN: Final = "Me"


@dataclass(slots=True)
class _Message:
    """A message: its time as written, its sender, its lines with their numbers, its depth."""

    sent: str
    sender: str
    indent: int
    lines: list[tuple[int, str]] = field(default_factory=list)

    @property
    def said(self) -> str:
        return "\n".join(text for _, text in self.lines)


def is_imessage_text(content: str) -> bool:
    """Return whether a text is an export of Apple Messages: times with a sender below them."""
    beginning = content[:_LOOKED_AT].removeprefix("\ufeff")
    lines = [line.rstrip() for line in beginning.splitlines()]
    stamps = [at for at, line in enumerate(lines) if _STAMP.fullmatch(line)]
    alone = [
        at
        for at in stamps
        if (match := _STAMP.fullmatch(lines[at]))
        and (match["rest"] is None or _FROM.fullmatch(match["rest"]))
    ]
    filled = next((line for line in lines if line.strip() and not line.startswith("---")), "")
    headed = [at for at in alone if at + 1 < len(lines) and lines[at + 1].strip()]
    parted = all(not lines[at - 1].strip() for at in stamps[1:] if not lines[at].startswith(" "))
    # One name has to stand below two stamps: in other layouts words do, and differ.
    names = [_name_at(lines, at) for at in headed]
    return (
        len(headed) >= _FEW
        and parted
        and bool(_STAMP.fullmatch(filled) or filled.startswith("Messages"))
        and len(set(names)) < max(len(names), _FEW + 1)
        and all(len(name) <= 80 and not name.endswith((".", "?", "!")) for name in names)  # noqa: PLR2004 - a name
    )


def _name_at(lines: Sequence[str], at: int) -> str:
    match = _STAMP.fullmatch(lines[at])
    found = _FROM.fullmatch(match["rest"] or "") if match else None
    return found["name"] if found else lines[at + 1].strip()


def read_imessage_text(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse an export of Apple Messages into passages, each of one sender.

    Reactions, names of attachments and announcements are passed over. A reply that stands below
    the message it answers stands again at its own place, and is read there only.
    """
    del speakers  # messages name their senders; roles are given later
    check_text_length(content)
    messages, dropped = _messages(split_lines(content.removeprefix("\ufeff")))
    outer = {(one.sent, one.sender, one.said) for one in messages if not one.indent}
    kept = [
        one for one in messages if not one.indent or (one.sent, one.sender, one.said) not in outer
    ]
    repeated = [number for one in messages if one not in kept for number, _ in one.lines]
    notices.add(Repair.TIME_OF_DAY, len(kept))
    notices.drop_lines(Repair.VENDOR_LINE, [*dropped, *repeated])
    return ParsedTranscript(
        tuple(SpokenPassage(one.sender, (TextSpan(one.said),)) for one in kept if one.said.strip())
    )


def _messages(lines: Sequence[str]) -> tuple[list[_Message], list[int]]:
    messages: list[_Message] = []
    dropped: list[int] = []
    tapbacks = False
    waits = False  # for the sender's name
    for number, line in enumerate(lines, start=1):
        bare = line.strip()
        if match := _STAMP.fullmatch(line.rstrip()):
            tapbacks = False
            sent_by = _FROM.fullmatch(match["rest"] or "")
            waits = sent_by is None and not match["rest"]
            if match["rest"] and sent_by is None:  # `… Ann named the conversation Bees`
                dropped.append(number)
                messages.append(_Message(match["sent"], "", len(match["indent"])))
                continue
            sender = (
                "" if sent_by is None else sent_by["name"] if sent_by["way"] == "from" else _OWN
            )
            messages.append(_Message(match["sent"], sender, len(match["indent"])))
        elif waits and bare:
            messages[-1].sender, waits = bare, False
        elif _TAPBACKS.fullmatch(bare):
            tapbacks = True
            dropped.append(number)
        elif not bare:
            tapbacks = False
        elif not messages or (tapbacks and _TAPBACK.fullmatch(bare)) or _NOTE.fullmatch(bare):
            dropped.append(number)
        else:
            messages[-1].lines.append((number, bare))
    return [one for one in messages if one.sender], dropped


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.IMESSAGE,
        FormatFamily.MEETINGS,
        "Apple's Messages as text: imessage-exporter, iMazing",
        *adapt_text_functions(is_imessage_text, read_imessage_text),
        "May 17, 2024  5:29:42 PM\nOdile\nHow?\n\n"
        "May 17, 2024  5:30:10 PM\nRavi\nWith a ladder.\n\n"
        "May 17, 2024  5:31:00 PM\nOdile\nReally?\n",
        confidence=CERTAIN,
        holder="line",
    ),
)
