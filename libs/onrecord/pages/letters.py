"""Dead letters as pages that an operator reads."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from contracts import headers as h
from contracts.topics import EVENT_TOPICS
from onrecord.control_client import Letter, decode_base64
from onrecord.pages.check_names import CHECKS
from onrecord.pages.rendering import count, duration, hex_dump, moment, paragraph, printable

ID_SHOWN: Final = 8
"""Characters of an id that a list shows; four are enough to name a letter."""

HEX_SHOWN: Final = 512
"""Bytes shown of a value that is no JSON."""

LINES_SHOWN: Final = 120
"""Lines shown of a value that is JSON."""

CLAIM_SHOWN: Final = 60
"""Characters shown of a key that may say anything."""

STATES: Final = ("open", "replaying", "replayed", "discarded")
STYLES: Final = {"open": "red", "replaying": "yellow", "replayed": "green", "discarded": "dim"}


_KEYED_BY: Final = {
    topic.name: {"chunk id": "chunk", "transcript id": "interview"}.get(topic.key, "")
    for topic in EVENT_TOPICS
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHECK: Final = re.compile(rf"\b(?:{'|'.join(CHECKS)})\b")


def letters_page(
    letters: Sequence[Letter], now: datetime, width: int, names: Mapping[str, str]
) -> Iterator[Text]:
    """A line a letter, and below it what happened.

    Args:
        letters: in the order in which they are to stand.
        now: for their ages.
        width: of a line, in columns.
        names: what subjects are called, as far as it is known.
    """
    yield Text(f"{'id':<9} {'service':<11} {'cause':<20} {'state':<9} {'age':>9} tries", "bold")
    for letter in letters:
        age = duration((now - datetime.fromisoformat(letter["failed_at"])).total_seconds())
        yield Text.assemble(
            (f"{letter['letter_id'][:ID_SHOWN]:<9}", "cyan"),
            f" {printable(letter['service']):<11} {printable(letter['error_code']):<20} ",
            (f"{letter['state']:<9}", STYLES[letter["state"]]),
            f" {age:>9} {letter['attempts']:>5}",
        )
        yield from paragraph(_what(letter, names), width, indent=" " * 10, style="dim")


def _what(letter: Letter, names: Mapping[str, str]) -> str:
    gone = "; its bytes are gone from the DLQ" if letter.get("displaced_at") else ""
    return f"{_message(letter) or letter['error_type']} ({_about(letter, names)}{gone})"


def _about(letter: Letter, names: Mapping[str, str]) -> str:
    """By name, or else by the beginning of its id; what is neither chunk nor interview as it is."""
    subject = letter["subject"]
    if not subject:
        claim = header_text(letter["key"])[:CLAIM_SHOWN] if letter["key"] else ""
        return f"its key says {claim}, its value does not" if claim else "without a key"
    if name := names.get(subject):
        return name
    kind = _KEYED_BY.get(letter["source_topic"], "")
    if not kind or not _UUID.fullmatch(subject):
        return f"about {subject}"
    return f"about {kind} {subject[:ID_SHOWN]}"


def _message(letter: Letter) -> str:
    """What went wrong; the names of the guardrail's checks, which are for programs, in words."""
    return _CHECK.sub(lambda found: CHECKS[found[0]], letter["error_message"])


def stats_table(counts: Sequence[dict[str, Any]]) -> Table:
    """Letters by service and cause, with a column a state."""
    rows: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for one in counts:
        rows[one["service"], one["error_code"]][one["state"]] = one["letters"]
    table = Table("service", "cause", box=None)
    for state in STATES:
        table.add_column(state, justify="right")
    for (service, code), found in sorted(rows.items()):
        table.add_row(service, code, *(_number(found.get(state, 0), state) for state in STATES))
    totals = {state: sum(found.get(state, 0) for found in rows.values()) for state in STATES}
    table.add_section()
    table.add_row("all", "", *(_number(totals[state], state) for state in STATES))
    return table


def _number(number: int, state: str) -> Text:
    return Text(f"{number:,}" if number else "-", style=STYLES[state] if number else "dim")


def letter_page(
    letter: Letter, value: bytes | None, width: int, names: Mapping[str, str], *, gone: str = ""
) -> Iterator[Text]:
    """One letter: why it is here, where it comes from, its headers and its value.

    Args:
        letter: as control tells it.
        value: what was set aside.
        width: of a line, in columns.
        names: what subjects are called, as far as it is known.
        gone: why there is no value, if the DLQ has it no more.
    """
    yield from _facts("Dead letter", _identity(letter, names), width)
    yield from _facts("Why", _reason(letter), width)
    yield from _facts("History", _history(letter), width)
    yield from _facts(f"Headers ({len(letter['headers'])})", _headers(letter), width)
    if gone:
        yield from paragraph(f"Value: {gone}", width, style="yellow")
    else:
        yield from _value(value, letter["size_bytes"])


def _facts(heading: str, facts: Sequence[tuple[str, str]], width: int) -> Iterator[Text]:
    yield Text(heading, style="bold cyan")
    told = [(printable(name), value) for name, value in facts if value]
    name_width = max((len(name) for name, _ in told), default=0) + 2
    for name, value in told:
        first = f"  {name:<{name_width}}"
        yield from paragraph(value, width, indent=" " * len(first), first=first)
    yield Text()


def _identity(letter: Letter, names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        ("id", letter["letter_id"]),
        ("service", letter["service"]),
        ("state", letter["state"]),
        ("about", names.get(letter["subject"] or "", letter["subject"] or "")),
        ("key", _key(letter)),
        ("kept in", _place(letter, "dlq")),
        ("came from", _place(letter, "source")),
        ("group", letter["consumer_group"]),
        ("stub", _stub(letter)),
    ]


def _stub(letter: Letter) -> str:
    """What the letter is the beginning of, if it is a stub; else empty."""
    told = {name: header_text(value) for name, value in letter["headers"]}
    kind, size = told.get(h.STUB), told.get(h.STUB_SIZE, "")
    if kind is None or not size.isdecimal():
        return ""
    what = "a message" if kind == "record" else "a message in a batch, compressed,"
    return (
        f"this is only the beginning of {what} of {count(int(size), 'byte')}; a replay fetches it "
        "from where it came from, while it is there"
    )


def _key(letter: Letter) -> str:
    if letter["key"] is None:
        return ""
    text = header_text(letter["key"])
    return text if letter["subject"] else f"{text} (its producer's claim: the value does not say)"


def _place(letter: Letter, which: str) -> str:
    topic = letter[f"{which}_topic"]
    if topic is None:
        return ""
    return f"{topic}, partition {letter[f'{which}_partition']}, offset {letter[f'{which}_offset']}"


def _reason(letter: Letter) -> list[tuple[str, str]]:
    return [
        ("cause", letter["error_code"]),
        ("message", _message(letter)),
        ("error", letter["error_type"]),
        ("fingerprint", letter["fingerprint"]),
    ]


def _history(letter: Letter) -> list[tuple[str, str]]:
    timeouts = f", {count(letter['timeouts'], 'timeout')}" if letter["timeouts"] else ""
    tries = count(letter["attempts"], "try", "tries")
    changed = f"{letter['state']} {moment(letter['state_changed_at'])}"
    return [
        ("first failed", moment(letter["first_failed_at"])),
        ("set aside", f"{moment(letter['failed_at'])} after {tries}{timeouts}"),
        ("replay of", letter["replay_of"] or ""),
        ("indexed", moment(letter["indexed_at"])),
        ("since", changed if letter["state"] != "open" else ""),
        ("reason", letter["state_reason"]),
    ]


def _headers(letter: Letter) -> list[tuple[str, str]]:
    return [(name, header_text(value)) for name, value in letter["headers"]]


def header_text(encoded: str | None) -> str:
    """A header's value, from base64: text if it is UTF-8, or else in hex."""
    if encoded is None:
        return "(none)"
    raw = decode_base64(encoded)
    try:
        return raw.decode() or "(empty)"
    except UnicodeDecodeError:
        return f"0x{raw.hex()}"


def _value(value: bytes | None, size: int) -> Iterator[Text]:
    if value is None:
        yield Text("Value: none (a tombstone)", style="bold cyan")
        return
    yield Text(f"Value ({count(size, 'byte')})", style="bold cyan")
    document = decoded(value)
    if document is None:
        for line in hex_dump(value[:HEX_SHOWN]):
            yield Text(line)
        if (rest := size - HEX_SHOWN) > 0:
            yield Text(f"… {count(rest, 'more byte')}; --raw writes them all", style="dim")
        return
    lines = json.dumps(document, indent=2, ensure_ascii=False).splitlines()
    for line in lines[:LINES_SHOWN]:
        yield Text(printable(line))
    if (rest := len(lines) - LINES_SHOWN) > 0:
        yield Text(f"… {count(rest, 'more line')}; --raw writes them all", style="dim")


def decoded(value: bytes) -> Any:
    """The JSON document that a value is; None if it is none."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def letter_json(letter: Letter, value: bytes | None) -> dict[str, Any]:
    """A letter for programs: headers also as text; the value in base64, and as JSON if it is."""
    return {
        **letter,
        "headers_text": {name: header_text(content) for name, content in letter["headers"]},
        "value": None if value is None else base64.b64encode(value).decode(),
        "value_json": None if value is None else decoded(value),
    }
