"""Web pages that messengers export: Telegram, Discord, Messenger, Instagram and Messages.

Such a page has an element for each message, whose classes say which part is the sender, the time
and the words. As plain text the times and names of senders could not be told from what was written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text
from transcripts.xml_documents import starts_with_tag


@dataclass(frozen=True, slots=True)
class _PageLayout:
    """Classes by which one tool's pages mark the parts of a message.

    Attributes:
        sender: of the element with who wrote a message; it holds until the next one.
        said: of the element with the words.
        sent: of the element with the date and time.
        ignored: of elements within either that are neither, such as reactions.
        newest_first: the page begins with the last message.
        beside: classes that stand in such a page too, where the others are common words.
    """

    sender: frozenset[str]
    said: frozenset[str]
    sent: frozenset[str]
    ignored: frozenset[str] = frozenset()
    newest_first: bool = False
    beside: frozenset[str] = frozenset()


_LAYOUTS: Final = (
    _PageLayout(  # Telegram Desktop
        frozenset({"from_name"}),
        frozenset({"text"}),
        frozenset({"date"}),
        frozenset({"reply_to", "service", "forwarded", "userpic", "reactions", "page_header"}),
    ),
    _PageLayout(  # DiscordChatExporter
        frozenset({"chatlog__author", "chatlog__author-name"}),
        frozenset({"chatlog__content"}),
        frozenset({"chatlog__timestamp", "chatlog__short-timestamp"}),
        frozenset(
            {
                "chatlog__reference",
                "chatlog__reply",
                "chatlog__reactions",
                "chatlog__embed",
                "chatlog__edited-timestamp",
                "preamble",
                "postamble",
                "info",
            }
        ),
    ),
    _PageLayout(  # Messenger and Instagram until 2022
        frozenset({"_2lel"}),
        frozenset({"_2let"}),
        frozenset({"_2lem"}),
        frozenset({"_tqp"}),
        newest_first=True,
    ),
    _PageLayout(  # Messenger and Instagram since
        frozenset({"_a6-h"}),
        frozenset({"_a6-p"}),
        frozenset({"_a6-o"}),
        frozenset({"_tqp", "_a6-q"}),
        newest_first=True,
    ),
    _PageLayout(  # imessage-exporter
        frozenset({"sender"}),
        frozenset({"bubble"}),
        frozenset({"timestamp"}),
        # Replies stand again at their own place.
        frozenset({"replies", "tapbacks", "tapback", "reply_context", "announcement", "app"}),
        beside=frozenset({"message_part"}),
    ),
)
_CLASSES: Final = re.compile(r"\bclass\s*=\s*[\"']([^\"'<>]{1,200})[\"']")
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_BLOCKS: Final = frozenset({"br", "div", "p", "li", "blockquote"})
_DATES: Final = (
    "%b %d, %Y, %I:%M %p", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y %I:%M %p", "%b %d, %Y, %I:%M:%S %p",
    "%d %b %Y, %H:%M", "%d %b %Y %H:%M", "%d/%m/%Y %H:%M", "%d/%m/%Y, %H:%M",
)  # fmt: skip
_FEW: Final = 2


@dataclass(slots=True)
class _Message:
    sender: str
    sent: str = ""
    words: list[str] = field(default_factory=list)


def is_message_page(content: str) -> bool:
    """Return whether a text is an HTML page of messages exported by a messenger."""
    return starts_with_tag(content) and _find_layout(content) is not None


def _find_layout(content: str) -> _PageLayout | None:
    present = {name for match in _CLASSES.finditer(content) for name in match[1].split()}
    return next(
        (
            one
            for one in _LAYOUTS
            if one.sender & present and one.said & present and one.beside <= present
        ),
        None,
    )


def read_message_page(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse a messenger's HTML page of messages into passages with sender and time.

    Messages have dates and no time of a recording, so passages have no times.
    """
    del speakers  # messages name their senders; roles are given later
    check_text_length(content)
    layout = _find_layout(content)
    if layout is None:
        return ParsedTranscript(())
    page = _Page(layout)
    page.feed(content)
    page.close()
    messages = [one for one in page.messages if has_visible_text(" ".join(one.words))]
    notices.add(Repair.TIME_OF_DAY, sum(bool(one.sent) for one in messages))
    if layout.newest_first and not _rises(messages):
        notices.add(Repair.NEWEST_FIRST, len(messages))
        messages.reverse()
    notices.add(Repair.NO_SPEAKER, sum(not one.sender for one in messages))
    return ParsedTranscript(
        tuple(SpokenPassage(one.sender, (TextSpan(" ".join(one.words)),)) for one in messages)
    )


def _rises(messages: Sequence[_Message]) -> bool:
    """Whether the dates that can be read show that the first message is the oldest."""
    dates = [date for one in messages if (date := _date(one.sent)) is not None]
    return len(dates) >= _FEW and dates[0] < dates[-1]


def _date(sent: str) -> datetime | None:
    for form in _DATES:
        try:
            return datetime.strptime(" ".join(sent.split()), form)  # noqa: DTZ007 - compared only
        except ValueError:
            continue
    return None


class _Page(HTMLParser):
    """Collects the messages of a page, by the classes of the elements around each text."""

    def __init__(self, layout: _PageLayout) -> None:
        super().__init__(convert_charrefs=True)
        self.messages: list[_Message] = []
        self._layout = layout
        # Each open element's tag, and the part of a message in which what it holds is.
        self._open: list[tuple[str, str]] = []
        self._tags: Counter[str] = Counter()  # of the open elements
        self._sender: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS and self._part() == "said":
            self.messages[-1].words.append("")
        if tag in _VOID:
            return
        part = self._begins({*(dict(attrs).get("class") or "").split()}, tag)
        if part == "sender":
            self._sender = []
        elif part == "said":
            self.messages.append(_Message(" ".join("".join(self._sender).split())))
        self._open.append((tag, part or self._part()))
        self._tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        while self._tags[tag]:  # elements that were left open end with the one around them
            closed, _ = self._open.pop()
            self._tags[closed] -= 1
            if closed == tag:
                return

    def handle_data(self, data: str) -> None:
        part = self._part()
        if part == "sender":
            self._sender.append(data)
        elif part == "said":
            words = self.messages[-1].words
            words[-1:] = [words[-1] + data] if words else [data]
        elif part == "sent" and self.messages:
            self.messages[-1].sent += data

    def _begins(self, classes: set[str], tag: str) -> str:
        layout = self._layout
        if classes & layout.ignored or tag in {"script", "style", "head", "ul"}:
            return "ignored"
        if self._part():
            return ""  # within a part, only what is ignored begins another
        for part, names in (
            ("sender", layout.sender),
            ("said", layout.said),
            ("sent", layout.sent),
        ):
            if classes & names:
                return part
        return ""

    def _part(self) -> str:
        """The part of a message in which the page is; "" if it is in none."""
        return self._open[-1][1] if self._open else ""


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.MESSAGE_PAGE,
        FormatFamily.MEETINGS,
        "Web pages of messengers: Telegram, Discord, Messenger, Instagram, imessage-exporter",
        *adapt_text_functions(is_message_page, read_message_page),
        '<html><body><div class="from_name">Odile</div><div class="text">How?</div>'
        '<div class="from_name">Ravi</div><div class="text">With a ladder.</div></body></html>',
        confidence=CERTAIN,
    ),
)
