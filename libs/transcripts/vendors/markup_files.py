"""Files of mark-up: TTML captions, YouTube's timed text, and web pages of podcasts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import (
    CERTAIN,
    LIKELY,
    FormatDefinition,
    FormatFamily,
    adapt_text_functions,
)
from transcripts.notices import Notices, Repair
from transcripts.segments.times_of_day import remove_times
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan
from transcripts.times import parse_clock_time, parse_whole_ms
from transcripts.xml_documents import (
    HEAD_LENGTH,
    get_attribute,
    get_local_name,
    has_root_element,
    parse_xml,
    starts_with_tag,
)

_HTML_DOCTYPE: Final = re.compile(
    r"\s*(?:<!--.{0,500}?-->\s*)?<!DOCTYPE html[^<>\[]*>", re.IGNORECASE | re.DOTALL
)
_UNITS: Final = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
# Apple's podcasts write seconds without their unit.
_METRIC: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)(h|ms|m|s|f|t|)")
_MOST: Final = 0.8
_FRAMES: Final = re.compile(r"(\d{1,4}:\d{2}:\d{2}):(\d{2,3})(?:\.\d+)?")
_TTML: Final = re.compile(r"<(?:\w{1,20}:)?tt[\s>]")


def is_ttml(content: str) -> bool:
    """Return whether a text is a Timed Text Markup Language file (TTML, DFXP)."""
    return starts_with_tag(content) and _TTML.search(content[:HEAD_LENGTH]) is not None


def is_youtube_timed_text(content: str) -> bool:
    """Return whether a text is YouTube's timed text, an XML caption format."""
    return has_root_element(content, "transcript", "timedtext")


def read_youtube_timed_text(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse YouTube's timed text (XML captions) into passages with times.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    from transcripts.captions.cues import Cue, read_cue_passages  # noqa: PLC0415 - most files are no XML

    cues: list[Cue] = []
    latest: int | None = None
    for one in parse_xml(content).iter():
        seconds, milliseconds = one.get("start"), one.get("t")
        if get_local_name(one) == "text" and seconds is not None:
            start, length = _ttml_ms(f"{seconds}s", 1, 1), _ttml_ms(f"{one.get('dur', '0')}s", 1, 1)
        elif get_local_name(one) == "p" and milliseconds is not None:
            start, length = parse_whole_ms(milliseconds), parse_whole_ms(one.get("d"))
        else:
            continue
        if start is None:
            notices.add(Repair.UNUSABLE_TIME)
        latest = latest if start is None else start
        said = unescape("".join(one.itertext()))
        cues.append(Cue(latest or 0, (latest or 0) + (length or 0), _escaped(said)))
    read = read_cue_passages(cues, speakers, notices)
    return read if latest is not None else replace(read, passages=remove_times(read.passages))


def is_html_transcript(content: str) -> bool:
    """Return whether a text is a podcast's HTML transcript, with speakers in ``cite`` elements."""
    return (
        starts_with_tag(content) and "<cite" in content and ("<time" in content or "<p" in content)
    )


def read_ttml(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a TTML caption file into passages with speakers and times.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    from transcripts.captions.cues import Cue, read_cue_passages  # noqa: PLC0415 - most files are no TTML

    root = parse_xml(content)
    names = {
        get_attribute(agent, "id"): "".join(agent.itertext()).strip()
        for agent in root.iter()
        if get_local_name(agent) == "agent"
    }
    agents = _find_agents(root)
    rate = _ttml_rate(root)
    ticks = float(get_attribute(root, "tickRate") or 10_000_000)
    cues: list[Cue] = []
    latest: int | None = None
    for paragraph, start, end in _timed_paragraphs(root, _TtmlClock(rate, ticks)):
        agent = agents.get(paragraph, "")
        said = "".join(_ttml_text(paragraph, names))
        voice = f"<v {names.get(agent) or agent}>" if agent else ""
        if start is None:
            notices.add(Repair.UNUSABLE_TIME)
        latest = latest if start is None else start
        begin = latest or 0
        cues.append(Cue(begin, begin if end is None else end, voice + said))
    read = read_cue_passages(cues, speakers, notices)
    if latest is None:  # nobody knows when
        read = replace(read, passages=remove_times(read.passages))
    if any(one.speaker for one in read.passages):
        return read
    return replace(read, doubts=(*read.doubts, *_alternating_styles(root)))


def _find_agents(root: ET.Element) -> dict[ET.Element, str]:
    """Who speaks in each paragraph: its own agent, else that of what it stands in."""
    found: dict[ET.Element, str] = {}
    waiting = [(root, "")]
    while waiting:
        element, outer = waiting.pop()
        agent = get_attribute(element, "agent") or outer
        if get_local_name(element) == "p":
            found[element] = agent
        else:
            waiting += [(child, agent) for child in element]
    return found


class _TtmlClock(NamedTuple):
    """How a TTML file counts frames and ticks."""

    rate: float
    ticks: float

    def read(self, element: ET.Element, name: str) -> int | None:
        """Milliseconds of an element's time; None if it states none."""
        return _ttml_ms(get_attribute(element, name), self.rate, self.ticks)


_TimedParagraph = tuple[ET.Element, int | None, int | None]


def _timed_paragraphs(root: ET.Element, clock: _TtmlClock) -> Iterator[_TimedParagraph]:
    """Yield the paragraphs of a TTML file with their times from the start of the recording.

    Times count from the beginning of what an element stands in (TTML2, 12.1), or from the end of
    the element before it, where that is a sequence. A paragraph without times of its own has those
    of its spans, else those of what it stands in.
    """
    bodies = [child for child in root if get_local_name(child) == "body"]
    for one in bodies or [root]:  # some leave the body out
        yield from _paragraphs_within(one, clock, 0, (None, None))


def _paragraphs_within(
    element: ET.Element, clock: _TtmlClock, from_ms: int, outer: tuple[int | None, int | None]
) -> Iterator[_TimedParagraph]:
    begin, end = _own_times(element, clock, from_ms)
    if begin is None and end is None:
        begin, end = outer
    start_ms = from_ms + (clock.read(element, "begin") or 0)
    if get_local_name(element) == "p":
        if clock.read(element, "begin") is None and clock.read(element, "end") is None:
            spans = [_own_times(one, clock, start_ms) for one in element]
            begins = [first for first, _ in spans if first is not None]
            ends = [last for _, last in spans if last is not None]
            begin = min(begins, default=begin)
            end = max(ends, default=end)
        yield element, begin, end
        return
    in_sequence = get_attribute(element, "timeContainer") == "seq"
    before_ms = start_ms
    for child in element:
        yield from _paragraphs_within(
            child, clock, before_ms if in_sequence else start_ms, (begin, end)
        )
        if in_sequence:
            before_ms = _own_times(child, clock, before_ms)[1] or before_ms


def _own_times(
    element: ET.Element, clock: _TtmlClock, from_ms: int
) -> tuple[int | None, int | None]:
    """When an element begins and ends by its own attributes, None for what it does not state."""
    begin, end, length = (clock.read(element, name) for name in ("begin", "end", "dur"))
    if begin is None and (end is not None or length is not None):
        begin = 0
    if end is None and begin is not None and length is not None:
        end = begin + length
    return (
        None if begin is None else from_ms + begin,
        None if end is None else from_ms + end,
    )


def _alternating_styles(root: ET.Element) -> Iterator[str]:
    """Colours or styles that alternate between paragraphs, as where broadcasters mark speakers."""
    paragraphs = [one for one in root.iter() if get_local_name(one) == "p"]
    styles = [_style(one) for one in paragraphs]
    known = [one for one in styles if one]
    changes = sum(earlier != later for earlier, later in pairwise(known))
    if len(set(known)) > 1 and len(known) >= _MOST * len(styles) and changes > 1:
        yield (
            f"{len(set(known)):,} colours or styles alternate, which may tell speakers; nobody is "
            "named"
        )


def _style(paragraph: ET.Element) -> str:
    parts = [paragraph, *(one for one in paragraph if get_local_name(one) == "span")]
    found = (get_attribute(one, "color") or get_attribute(one, "style") for one in parts)
    return next(filter(None, reversed(list(found))), "")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _ttml_text(element: ET.Element, names: Mapping[str, str]) -> Iterator[str]:
    """The text of a paragraph as a cue's, with voices where its spans have agents."""
    yield _escaped(element.text or "")
    between = " " if _holds_timed_words(element) else ""
    for child in element:
        agent = get_attribute(child, "agent")
        if get_local_name(child) == "br":
            yield "\n"
        elif get_local_name(child) != "metadata":
            yield f"<v {names.get(agent) or agent}>" if agent else ""
            yield from _ttml_text(child, names)
            yield "</v>" if agent else ""
        yield _escaped(child.tail or between)


def _holds_timed_words(element: ET.Element) -> bool:
    """Whether nothing but spans with times stands in an element, as where each is a word."""
    return not (element.text or "") and all(
        get_local_name(child) == "span" and get_attribute(child, "begin") and not child.tail
        for child in element
    )


def _ttml_rate(root: ET.Element) -> float:
    """Frames a second: the stated rate times its multiplier, such as `1000 1001` for 29.97."""
    rate = float(get_attribute(root, "frameRate") or 30)
    factors = get_attribute(root, "frameRateMultiplier").replace(":", " ").split()
    if len(factors) == 2 and all(map(str.isdecimal, factors)) and int(factors[1]):  # noqa: PLR2004 - a ratio
        return rate * int(factors[0]) / int(factors[1])
    return rate


def _ttml_ms(value: str, rate: float, ticks: float) -> int | None:
    if match := _METRIC.fullmatch(value):
        number = float(match[1])
        if match[2] == "f":
            return round(number * 1_000 / rate) if rate else None
        if match[2] == "t":
            return round(number * 1_000 / ticks) if ticks else None
        return round(number * _UNITS[match[2] or "s"])
    if match := _FRAMES.fullmatch(value):
        whole = parse_clock_time(match[1])
        return None if whole is None or not rate else whole + round(int(match[2]) * 1_000 / rate)
    return parse_clock_time(value) if value else None


class _Page(HTMLParser):
    """Collects ``cite``, ``time`` and ``p`` of a page, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[str, str]] = []
        self._inside = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in {"cite", "time", "p"}:
            self._end()
            self._inside = tag
        elif tag == "br":
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._end()

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._end()

    def _end(self) -> None:
        if self._inside:
            self.parts.append((self._inside, "".join(self._text).strip()))
        self._inside, self._text = "", []


def read_html_transcript(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse a podcast's HTML transcript into passages with speakers and times."""
    del speakers, notices  # names are explicit here; roles are given later
    page = _Page()
    page.feed(content)
    page.close()
    passages: list[SpokenPassage] = []
    speaker, start_ms = "", None
    for kind, said in page.parts:
        if kind == "cite":
            speaker = said.rstrip(": ")
        elif kind == "time":
            start_ms = parse_clock_time(said)
        elif said:
            passages.append(SpokenPassage(speaker, (TextSpan(said, start_ms, start_ms),)))
            start_ms = None
    return ParsedTranscript(_until_the_next(passages))


def _until_the_next(passages: Sequence[SpokenPassage]) -> tuple[SpokenPassage, ...]:
    """Passages that end where the next stated time begins."""
    made: list[SpokenPassage] = []
    following: int | None = None
    for passage in reversed(passages):
        piece = passage.pieces[0]
        if piece.start_ms is not None:
            end_ms = max(piece.start_ms, following) if following is not None else None
            made.append(
                SpokenPassage(passage.speaker, (TextSpan(piece.text, piece.start_ms, end_ms),))
            )
            following = piece.start_ms
        else:
            made.append(passage)
    return tuple(reversed(made))


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TTML,
        FormatFamily.CAPTIONS,
        "TTML, DFXP: broadcasters, Netflix, Vimeo",
        *adapt_text_functions(is_ttml, read_ttml),
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
        '<p begin="1s" end="2s">Odile: How?</p></div></body></tt>',
        confidence=CERTAIN,
    ),
    FormatDefinition(
        TranscriptFormat.TIMED_TEXT,
        FormatFamily.CAPTIONS,
        "YouTube's timed text",
        *adapt_text_functions(is_youtube_timed_text, read_youtube_timed_text),
        '<transcript><text start="1" dur="1">Odile: How?</text></transcript>',
        confidence=CERTAIN,
    ),
    FormatDefinition(
        TranscriptFormat.HTML,
        FormatFamily.MEETINGS,
        "The podcast namespace's HTML, with names in `cite`",
        *adapt_text_functions(is_html_transcript, read_html_transcript),
        "<html><body><cite>Odile:</cite><time>0:01</time><p>How?</p></body></html>",
        confidence=LIKELY,
    ),
)
