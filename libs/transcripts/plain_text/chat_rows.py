"""Logs of chats and talks with a model, written as `Name: …`.

Each step looks at the whole text before it changes a line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row, find_nonblank_rows

_LOG_TIME: Final = r"\s*(?P<time>\[?(?:\d{4}-\d{2}-\d{2}[ T])?\d{1,2}:\d{2}(?::\d{2})?\]?)\s+"
_NICK: Final = re.compile(_LOG_TIME + r"<[ @+%&~]?(?P<nick>[^<>\s]{1,40})>\s+")
_ACTION: Final = re.compile(_LOG_TIME + r"\*\s+(?P<nick>[^<>\s]{1,40})\s+")
_LOG_LINE: Final = re.compile(_LOG_TIME + r"(?:-!-|\*\*\*|<--|-->|<-|->|---?)\s|--- (?:Log|Day) ")
# `**ChatGPT said:**`, as copies of talks with a model have it; some languages' too.
_SAID: Final = re.compile(
    r"\s*(?:#{1,6}\s+)?(?:\*\*|__)?(?P<name>[^\W\d_][\w .-]{0,30}?)"
    r" (?:said|wrote|asked|replied|sagte|hat gesagt|dijo|ha dicho|a dit|disse) ?:(?:\*\*|__)?\s*"
)
# What WhatsApp writes in a message's place, behind a mark of direction: `image omitted`, or
# `<Media omitted>` in its users' languages.
_DATED: Final = (
    r"\s*\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? [^:\]]{0,4}\d{1,2}[:.]\d{2}[^:\]]{0,12}"
    r"(?::\d{2}[^:\]]{0,12})?[\]-]? ?-? ?"
)
_MESSAGE: Final = re.compile(_DATED + r"(?P<sender>[^:]{1,80}): (?P<said>.*)")
_NOTE_IN_PLACE: Final = re.compile(
    r"<[^<>]{4,40}>|\u200e.{1,200}"
    r"|.{1,200}\((?:file attached|Datei angehängt|archivo adjunto|fichier joint)\)"
)
_EDITED: Final = re.compile(
    r"\s*\u200e?<(?:This message was edited|Diese Nachricht wurde bearbeitet"
    r"|Se editó este mensaje)\.?>$"
)
_SLASHES: Final = re.compile(r"\s+(?://|\|\|)\s+(?=[^\W\d_][\w .'\u2019-]{0,30}:\s)")
_KAKAO: Final = re.compile(
    r"\[(?P<name>[^\[\]]{1,40})\] "
    r"\[(?:(?:오전|오후|午前|午後|AM|PM) )?\d{1,2}:\d{2}(?: [AP]M)?\] "
)
_DAY_RULE: Final = re.compile(r"-{5,20} [^-]{4,60} -{5,20}")
_FEW: Final = 3
_HALF: Final = 0.5


def _with_nicks(rows: list[Row], notices: Notices) -> list[Row]:
    """`imre: ok` in place of `14:06 < imre> ok`, as logs of IRC have it; the times are of day."""
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _NICK.match(row))}
    if len(found) < _FEW or len(found) < _HALF * len(find_nonblank_rows(rows)):
        return rows
    made: list[Row] = []
    dropped: list[int] = []
    for at, (number, row) in enumerate(rows):
        if match := found.get(at) or _ACTION.match(row):
            is_action = at not in found
            said = row[match.end() :]
            made.append((number, f"{match['nick']}: {'* ' if is_action else ''}{said}"))
        elif _LOG_LINE.match(row):
            dropped.append(number)
        else:
            made.append((number, row))
    notices.drop_lines(Repair.VENDOR_LINE, dropped)
    notices.add(Repair.TIME_OF_DAY, sum(bool(match["time"]) for match in found.values()))
    return made


def _with_names_that_said(rows: list[Row], notices: Notices) -> list[Row]:
    """`You:` in place of `You said:`, where such lines of two names at least head what was said."""
    del notices
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _SAID.fullmatch(row))}
    names = Counter(match["name"] for match in found.values())
    if len(names) < 2 or len(names) == len(found):  # noqa: PLR2004 - a talk
        return rows
    return [
        (number, f"{found[at]['name']}:" if at in found else row)
        for at, (number, row) in enumerate(rows)
    ]


def _without_notes_of_messengers(rows: list[Row], notices: Notices) -> list[Row]:
    """The rows without what WhatsApp writes in messages' places, under their senders' names."""
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _MESSAGE.match(row))}
    if len(found) < _FEW:
        return rows
    notes = {at for at, match in found.items() if _NOTE_IN_PLACE.fullmatch(match["said"])}
    notices.drop_lines(Repair.VENDOR_LINE, [rows[at][0] for at in notes])
    return [
        (number, _EDITED.sub("", row) if at in found else row)
        for at, (number, row) in enumerate(rows)
        if at not in notes
    ]


def _with_names_before_times(rows: list[Row], notices: Notices) -> list[Row]:
    """`지영: 네` in place of `[지영] [오전 10:01] 네`, as in KakaoTalk; its times are of day."""
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _KAKAO.match(row))}
    if len(found) < _FEW:
        return rows
    notices.add(Repair.TIME_OF_DAY, len(found))
    days = [number for number, row in rows if _DAY_RULE.fullmatch(row)]
    notices.drop_lines(Repair.VENDOR_LINE, days)
    return [
        (number, f"{found[at]['name']}: {row[found[at].end() :]}" if at in found else row)
        for at, (number, row) in enumerate(rows)
        if not _DAY_RULE.fullmatch(row)
    ]


def _with_turns_on_lines(rows: list[Row], notices: Notices) -> list[Row]:
    """`E: So?` and `T: Yes.` in place of `E: So? // T: Yes.`, where turns are parted so."""
    del notices
    if sum(len(_SLASHES.findall(row)) for _, row in rows) < 2:  # noqa: PLR2004 - one may be speech
        return rows
    return [(number, part) for number, row in rows for part in _SLASHES.split(row)]


CHAT_STEPS: Final[tuple[Callable[[list[Row], Notices], list[Row]], ...]] = (
    _with_turns_on_lines,
    _without_notes_of_messengers,
    _with_names_before_times,
    _with_nicks,
    _with_names_that_said,
)
