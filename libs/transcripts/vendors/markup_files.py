"""Files of mark-up: TTML captions, ELAN annotations, and web pages of podcasts.

Documents with declarations of their own are refused: entities can make a small file a large one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree as ET

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import (
    CERTAIN,
    LIKELY,
    FormatDefinition,
    FormatFamily,
    adapt_text_functions,
)
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextPiece
from transcripts.times import parse_clock_time

_DECLARES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_HTML_DOCTYPE: Final = re.compile(
    r"\s*(?:<!--.{0,500}?-->\s*)?<!DOCTYPE html[^<>\[]*>", re.IGNORECASE | re.DOTALL
)
_UNITS: Final = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
# Apple's podcasts write seconds without their unit.
_METRIC: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(h|ms|m|s|f|t|)")
_FRAMES: Final = re.compile(r"(\d{1,4}:\d{2}:\d{2}):(\d{2,3})(?:\.\d+)?")
_TTML: Final = re.compile(r"<(?:\w{1,20}:)?tt[\s>]")
_TIMED_TEXT: Final = re.compile(r"<(?:transcript|timedtext)[\s>]")
_HEAD: Final = 2_000


def is_ttml(content: str) -> bool:
    """Return whether the text is Timed Text Markup Language (TTML, DFXP)."""
    return _begins_with_a_tag(content) and _TTML.search(content[:_HEAD]) is not None


def is_youtube_timed_text(content: str) -> bool:
    """Return whether a text is YouTube's timed text, an XML format for captions."""
    return _begins_with_a_tag(content) and _TIMED_TEXT.search(content[:_HEAD]) is not None


def read_youtube_timed_text(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Return the passages of YouTube's timed text, whose times are in seconds or milliseconds.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    from transcripts.captions.cues import Cue, read_cue_passages  # noqa: PLC0415 - most files are no XML

    cues: list[Cue] = []
    for one in parse_xml(content).iter():
        seconds, milliseconds = one.get("start"), one.get("t")
        if _name(one) == "text" and seconds is not None:
            start, length = _ttml_ms(f"{seconds}s", 1, 1), _ttml_ms(f"{one.get('dur', '0')}s", 1, 1)
        elif _name(one) == "p" and milliseconds is not None:
            start, length = _whole(milliseconds), _whole(one.get("d"))
        else:
            continue
        if start is None:
            notices.add(Repair.UNUSABLE_TIME)
        said = unescape("".join(one.itertext()))
        cues.append(Cue(start or 0, (start or 0) + (length or 0), _escaped(said)))
    return read_cue_passages(cues, speakers, notices)


def is_eaf(content: str) -> bool:
    """Return whether the text is an annotation document of ELAN (EAF)."""
    return _begins_with_a_tag(content) and "<ANNOTATION_DOCUMENT" in content[:_HEAD]


def is_html_transcript(content: str) -> bool:
    """Return whether a text is a podcast's HTML transcript, which names speakers in ``cite``."""
    return (
        _begins_with_a_tag(content)
        and "<cite" in content
        and ("<time" in content or "<p" in content)
    )


def _begins_with_a_tag(content: str) -> bool:
    return content.removeprefix("\ufeff").lstrip()[:1] == "<"


def parse_xml(content: str) -> ET.Element:
    """Parse an XML document and return its root element; declared entities are refused.

    Raises:
        MalformedTranscriptError: it is no XML, or declares a document type or entities.
    """
    if _DECLARES.search(content):
        raise MalformedTranscriptError("the XML declares entities or a document type of its own")
    try:
        return ET.fromstring(content.removeprefix("\ufeff").strip())  # noqa: S314 - declarations are refused
    except ET.ParseError as error:
        line, column = error.position
        raise MalformedTranscriptError(
            f"line {line}, column {column + 1}: not valid XML", line=line
        ) from None
    except (ValueError, RecursionError):
        raise MalformedTranscriptError("not usable XML") from None


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _attribute(element: ET.Element, name: str) -> str:
    return next(
        (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), ""
    )


def read_ttml(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Return the passages of a TTML file; the agents that its paragraphs refer to are the speakers.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    from transcripts.captions.cues import Cue, read_cue_passages  # noqa: PLC0415 - most files are no TTML

    root = parse_xml(content)
    names = {
        _attribute(agent, "id"): "".join(agent.itertext()).strip()
        for agent in root.iter()
        if _name(agent) == "agent"
    }
    rate = float(_attribute(root, "frameRate") or 30)
    ticks = float(_attribute(root, "tickRate") or 10_000_000)
    cues: list[Cue] = []
    for paragraph in (one for one in root.iter() if _name(one) == "p"):
        start = _ttml_ms(_attribute(paragraph, "begin"), rate, ticks)
        end = _ttml_ms(_attribute(paragraph, "end"), rate, ticks)
        if end is None and start is not None:
            length = _ttml_ms(_attribute(paragraph, "dur"), rate, ticks)
            end = None if length is None else start + length
        agent = _attribute(paragraph, "agent")
        said = "".join(_ttml_text(paragraph, names))
        voice = f"<v {names.get(agent) or agent}>" if agent else ""
        if start is None:
            notices.add(Repair.UNUSABLE_TIME)
        cues.append(Cue(start or 0, end if end is not None else (start or 0), voice + said))
    return read_cue_passages(cues, speakers, notices)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _ttml_text(element: ET.Element, names: Mapping[str, str]) -> Iterator[str]:
    """The text of a paragraph as a cue's, with voices where its spans have agents."""
    yield _escaped(element.text or "")
    between = " " if _holds_timed_words(element) else ""
    for child in element:
        agent = _attribute(child, "agent")
        if _name(child) == "br":
            yield "\n"
        elif _name(child) != "metadata":
            yield f"<v {names.get(agent) or agent}>" if agent else ""
            yield from _ttml_text(child, names)
            yield "</v>" if agent else ""
        yield _escaped(child.tail or between)


def _holds_timed_words(element: ET.Element) -> bool:
    """Whether nothing but spans with times stands in an element, as where each is a word."""
    return not (element.text or "") and all(
        _name(child) == "span" and _attribute(child, "begin") and not child.tail
        for child in element
    )


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


def read_eaf(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Return the passages of an ELAN file; each tier is a speaker, named by its participant.

    Raises:
        MalformedTranscriptError: it is no XML.
    """
    del speakers  # tiers name speakers; roles are given later
    root = parse_xml(content)
    slots = {
        one.get("TIME_SLOT_ID", ""): _whole(one.get("TIME_VALUE")) for one in root.iter("TIME_SLOT")
    }
    turns: list[tuple[int, int, SpokenPassage]] = []
    for tier in root.iter("TIER"):
        speaker = tier.get("PARTICIPANT") or tier.get("TIER_ID") or ""
        for position, one in enumerate(tier.iter("ALIGNABLE_ANNOTATION")):
            start_ms = slots.get(one.get("TIME_SLOT_REF1", ""))
            end_ms = slots.get(one.get("TIME_SLOT_REF2", ""))
            said = one.findtext("ANNOTATION_VALUE") or ""
            piece = TextPiece(said, start_ms, end_ms)
            turns.append((start_ms or 0, position, SpokenPassage(speaker, (piece,))))
        notices.add(Repair.UNTIMED_TIER, int(tier.find(".//REF_ANNOTATION") is not None))
    return ParsedTranscript(
        tuple(passage for _, _, passage in sorted(turns, key=lambda one: one[:2]))
    )


def _whole(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() and len(value) < 12 else None  # noqa: PLR2004


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
    """Return the passages of a podcast's HTML transcript, with speakers from ``cite`` elements."""
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
            passages.append(SpokenPassage(speaker, (TextPiece(said, start_ms, start_ms),)))
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
                SpokenPassage(passage.speaker, (TextPiece(piece.text, piece.start_ms, end_ms),))
            )
            following = piece.start_ms
        else:
            made.append(passage)
    return tuple(reversed(made))


_CHAT_TURN: Final = re.compile(r"\*(?P<code>[A-Z0-9]{1,8}):\s+(?P<said>.*)", re.DOTALL)
_CHAT_TIME: Final = re.compile("\x15(\\d{1,10})_(\\d{1,10})\x15")
_CHAT_MARK: Final = re.compile(r"\[[^\[\]]*\]|[<>]|\(\.+\)|&[=+-]?\S+|\+[./<>\"!?,]+")
_CHAT_PARTICIPANT: Final = re.compile(r"([A-Z0-9]{1,8})(?:\s+(\S+))?\s+(\S+)")


def is_talkbank_chat(content: str) -> bool:
    """Return whether the text is in CHAT, the format of the corpora TalkBank and CHILDES."""
    head = content[:_HEAD]
    return "@Begin" in head or (head.lstrip("\ufeff").startswith("@UTF8"))


def read_talkbank_chat(
    content: str, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Return the passages of a CHAT file's main lines, without codes, with their times."""
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
    return SpokenPassage(speaker, (TextPiece(plain, start_ms, end_ms),))


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
        TranscriptFormat.EAF,
        FormatFamily.RESEARCH,
        "ELAN's annotations (.eaf)",
        *adapt_text_functions(is_eaf, read_eaf),
        '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1000"/>'
        '<TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="2000"/></TIME_ORDER><TIER TIER_ID="Odile">'
        '<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">'
        "<ANNOTATION_VALUE>How?</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
        "</ANNOTATION_DOCUMENT>",
        confidence=CERTAIN,
    ),
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
    FormatDefinition(
        TranscriptFormat.HTML,
        FormatFamily.MEETINGS,
        "The podcast namespace's HTML, with names in `cite`",
        *adapt_text_functions(is_html_transcript, read_html_transcript),
        "<html><body><cite>Odile:</cite><time>0:01</time><p>How?</p></body></html>",
        confidence=LIKELY,
    ),
)
