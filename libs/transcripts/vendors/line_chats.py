"""Chats of LINE as its apps export them: a day on a line of its own, then time, sender and words.

Phones part the columns with tabs, the programs for computers with blanks. There a sender's name
cannot be told from the first words by its form alone; who is meant is decided over the whole chat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cues import split_lines
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan

_HEADER: Final = re.compile(
    r"\[LINE\]\s*(?:Chat history (?:with|in) (?P<with>.{1,80})|(?P<ja>.{1,80}?)と?のトーク履歴"
    r"|與\s?(?P<zh>.{1,80}?)\s?的聊天[記紀](?:錄|录)|.{1,80})"
)
_DAY: Final = re.compile(
    r"(?:[A-Z][a-z]{2,8}\.?,? )?(?:\d{1,4}|R\d{1,2})[./-]\d{1,2}[./-]\d{1,4}"
    r"(?:\s?[(\uff08]?[^\s\d]{1,10}[)\uff09]?)?"
)
_TIME: Final = re.compile(
    r"(?:(?:上午|下午|午前|午後|오전|오후)\s?)?\d{1,2}:\d{2}(?:\s?[AaPp]\.?[Mm]\.?)?(?P<gap>\t|\s{1,8})"
)
_COLUMNS: Final = re.compile(r"\t|\s{2,8}")
# What the app writes in a message's place, or about a call.
_IN_PLACE: Final = re.compile(
    r"\[[^\[\]]{2,20}\]|\(emoji\)|[☎📞].{0,60}|(?:スタンプ|写真|動画|ファイル|貼圖|圖片|影片)"
    r"|.{0,40}(?:unsent a message|メッセージの送信を取り消しました|已收回訊息)\.?"
)
_FEW: Final = 3
_MOST: Final = 0.8
_TWICE: Final = 2


@dataclass(slots=True)
class _Message:
    """A line with a time: the number of the line, the sender if a tab tells it, the words."""

    number: int
    sender: str | None
    said: str


def is_line_chat(content: str) -> bool:
    """Return whether a text is a chat exported by the messenger LINE."""
    lines = [line.strip() for line in content[:20_000].removeprefix("\ufeff").splitlines()]
    filled = [line for line in lines if line]
    if filled and _HEADER.fullmatch(filled[0]):
        return any(map(_TIME.match, filled))
    days = sum(_DAY.fullmatch(line) is not None for line in filled)
    timed = [line for line in filled if _TIME.match(line)]
    tabbed = sum(line.count("\t") == _TWICE for line in timed)
    if not days or len(timed) < _TWICE or not _DAY.fullmatch(filled[0]):
        return False
    # Without tabs the day of the week has to stand beside the date.
    with_weekday = filled[0][-1:].isalpha() or filled[0][-1:] in ")\uff09"
    return tabbed >= _MOST * len(timed) or (
        with_weekday and 2 * (len(timed) + days) >= len(filled) and not tabbed
    )


def read_line_chat(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a chat of the messenger LINE into passages by sender, without stickers and calls.

    Messages have times of day and no time of a recording, so passages have no times.
    """
    check_text_length(content)
    lines = split_lines(content.removeprefix("\ufeff"))
    messages, dropped = _messages(lines)
    partner = _partner(lines)
    known = [one.label for one in speakers]
    named, missed = _with_senders(messages, [*known, *([partner] if partner else [])])
    kept = [one for one in named if one.sender != "" and not _IN_PLACE.fullmatch(one.said.strip())]
    stayed = {one.number for one in kept}
    dropped += [one.number for one in messages if one.number not in stayed]
    notices.add(Repair.TIME_OF_DAY, len(kept))
    notices.drop_lines(Repair.VENDOR_LINE, dropped)
    passages = tuple(SpokenPassage(one.sender or "", (TextSpan(one.said),)) for one in kept)
    return ParsedTranscript(passages, doubts=missed)


def _messages(lines: Sequence[str]) -> tuple[list[_Message], list[int]]:
    """The messages, with lines that go on with them, and the numbers of all other lines."""
    messages: list[_Message] = []
    dropped: list[int] = []
    for number, line in enumerate(lines, start=1):
        bare = line.strip()
        match = _TIME.match(line)
        if match is None:
            if not bare:
                continue
            if not messages or _DAY.fullmatch(bare) or _HEADER.fullmatch(bare):
                dropped.append(number)
            else:
                messages[-1].said += f"\n{line}"
            continue
        columns = _COLUMNS.split(line[match.end() :].rstrip(), maxsplit=1)
        if match["gap"] == "\t" or (len(match["gap"]) > 1 and len(columns) > 1):
            sender = columns[0].strip() if len(columns) > 1 else ""
            messages.append(_Message(number, sender, columns[-1]))
        else:
            messages.append(_Message(number, None, line[match.end() :]))
    return [_unquoted(one) for one in messages], dropped


def _unquoted(one: _Message) -> _Message:
    """A message of several lines without the quotation marks that the app puts around it."""
    said = one.said.strip()
    if "\n" in said and said[:1] == said[-1:] == '"':
        one.said = said[1:-1].replace('""', '"')
    return one


def _partner(lines: Sequence[str]) -> str:
    match = next((found for line in lines[:3] if (found := _HEADER.fullmatch(line.strip()))), None)
    return "" if match is None else next(filter(None, match.groupdict().values()), "").strip()


def _with_senders(
    messages: Sequence[_Message], names: Sequence[str]
) -> tuple[list[_Message], tuple[str, ...]]:
    """The messages with senders by name, where no tab tells them, and what is in doubt then."""
    bare = [one for one in messages if one.sender is None]
    firsts = Counter(one.said.split(maxsplit=1)[0] for one in bare if " " in one.said.strip())
    known = [*names, *(name for name, count in firsts.most_common() if count >= _TWICE)]
    by_length = sorted(set(known), key=len, reverse=True)
    named = list(_named(messages, by_length))
    unsure = [one.number for one in named if one.sender is None]
    if not bare or (not unsure and len({one.sender for one in named}) > 1):
        return named, ()
    first = unsure[0] if unsure else bare[0].number
    return named, (f"nothing parts the sender from the words, as in line {first}: export it again",)


def _named(messages: Sequence[_Message], names: Sequence[str]) -> Iterator[_Message]:
    for one in messages:
        name = next((name for name in names if one.said.startswith(f"{name} ")), None)
        if one.sender is not None or name is None:
            yield one
        else:
            yield _Message(one.number, name, one.said[len(name) :])


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.LINE,
        FormatFamily.MEETINGS,
        "Chats of LINE (.txt)",
        *adapt_text_functions(is_line_chat, read_line_chat),
        "[LINE] Chat history with Odile\nSaved on: 2024/05/17 17:30\n\n2024/05/17 Fri\n"
        "17:28\tOdile\tHow?\n17:29\tRavi\tWith a ladder.\n",
        confidence=CERTAIN,
        holder="line",
    ),
)
