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
from contracts.control_api import DeadLetter, DeadLetterCount, DeadLetterState
from contracts.ids import UUID_PATTERN
from contracts.terminal import escape_control_characters
from contracts.topics import EVENT_TOPICS
from onrecord.pages.check_names import CHECKS
from onrecord.pages.rendering import (
    format_count,
    format_duration,
    format_hex_dump,
    format_time,
    wrap_paragraph,
)
from onrecord.runbook import format_runbook_entry

ID_SHOWN: Final = 8
"""Characters of an id that a list shows; four are enough to name a letter."""

HEX_SHOWN: Final = 512
"""Bytes shown of a value that is no JSON."""

LINES_SHOWN: Final = 120
"""Lines shown of a value that is JSON."""

CLAIM_SHOWN: Final = 60
"""Characters shown of a key, which may be any text."""

STYLES: Final = {
    DeadLetterState.OPEN: "red",
    DeadLetterState.REPLAYING: "yellow",
    DeadLetterState.REPLAYED: "yellow",
    DeadLetterState.RESOLVED: "green",
    DeadLetterState.FAILED_AGAIN: "red",
    DeadLetterState.DISCARDED: "dim",
    DeadLetterState.EXPIRED: "dim",
}


_KEYED_BY: Final = {
    topic.name: {"chunk id": "chunk", "transcript id": "interview"}.get(topic.key, "")
    for topic in EVENT_TOPICS
}
_CHECK: Final = re.compile(rf"\b(?:{'|'.join(CHECKS)})\b")


def format_dead_letters(
    letters: Sequence[DeadLetter], now: datetime, width: int, names: Mapping[str, str]
) -> Iterator[Text]:
    """Format dead letters as a list, with the error message below each.

    Args:
        letters: in the order in which they are to stand.
        now: for their ages.
        width: of a line, in columns.
        names: what subjects are called, as far as it is known.
    """
    yield Text(f"{'id':<9} {'service':<11} {'cause':<20} {'state':<12} {'age':>9} tries", "bold")
    for letter in letters:
        age = format_duration((now - letter.failed_at).total_seconds())
        yield Text.assemble(
            (f"{str(letter.letter_id)[:ID_SHOWN]:<9}", "cyan"),
            f" {escape_control_characters(letter.service):<11}",
            f" {escape_control_characters(letter.error_code):<20} ",
            (f"{letter.state:<12}", STYLES[letter.state]),
            f" {age:>9} {letter.attempts:>5}",
        )
        yield from wrap_paragraph(_what(letter, names), width, indent=" " * 10, style="dim")


def _what(letter: DeadLetter, names: Mapping[str, str]) -> str:
    gone = "; its bytes are gone from the DLQ" if letter.displaced_at else ""
    if letter.snoozed_until:
        gone += f"; snoozed until {format_time(letter.snoozed_until)}"
    return f"{_message(letter) or letter.error_type} ({_about(letter, names)}{gone})"


def _about(letter: DeadLetter, names: Mapping[str, str]) -> str:
    """By name, or else by the beginning of its id; what is neither chunk nor interview as it is."""
    subject = letter.subject
    if not subject:
        claim = decode_header(letter.key)[:CLAIM_SHOWN] if letter.key else ""
        return f"its key says {claim}, its value does not" if claim else "without a key"
    if name := names.get(subject):
        return name
    kind = _KEYED_BY.get(letter.source_topic or "", "")
    if not kind or not re.fullmatch(UUID_PATTERN, subject):
        return f"about {subject}"
    return f"about {kind} {subject[:ID_SHOWN]}"


def _message(letter: DeadLetter) -> str:
    """What went wrong; the names of the guardrail's checks, which are for programs, in words."""
    return _CHECK.sub(lambda found: CHECKS[found[0]], letter.error_message)


def format_dead_letter_counts(counts: Sequence[DeadLetterCount]) -> Table:
    """Format counts of dead letters as a table by service and error, with a column per state.

    A state that no letter is in has no column. Nothing is cut: print it with ``crop=False``, so
    that the terminal wraps lines that are too wide for it.
    """
    rows: dict[tuple[str, str], dict[DeadLetterState, int]] = defaultdict(dict)
    for one in counts:
        rows[one.service, one.error_code][one.state] = one.letters
    totals = {
        state: sum(found.get(state, 0) for found in rows.values()) for state in DeadLetterState
    }
    states = [one for one in DeadLetterState if totals[one] or one is DeadLetterState.OPEN]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading, values in zip(("service", "cause"), zip(*rows, strict=True), strict=True):
        table.add_column(heading, min_width=max(map(len, (heading, *values))), no_wrap=True)
    for state in states:
        longest = max(map(len, (f"{totals[state]:,}", *state.split("_"))))
        table.add_column(state.replace("_", " "), justify="right", min_width=longest)
    table.width = sum((column.min_width or 0) + 1 for column in table.columns) - 1
    for (service, code), found in sorted(rows.items()):
        table.add_row(service, code, *(_number(found.get(state, 0), state) for state in states))
    table.add_section()
    table.add_row("all", "", *(_number(totals[state], state) for state in states))
    return table


def _number(number: int, state: DeadLetterState) -> Text:
    return Text(f"{number:,}" if number else "-", style=STYLES[state] if number else "dim")


def format_dead_letter(
    letter: DeadLetter, value: bytes | None, width: int, names: Mapping[str, str], *, gone: str = ""
) -> Iterator[Text]:
    """Format one dead letter for the terminal: error, source position, headers and value.

    Args:
        letter: as control has it.
        value: what was set aside.
        width: of a line, in columns.
        names: what subjects are called, as far as it is known.
        gone: why there is no value, if the DLQ has it no more.
    """
    yield from _facts("Dead letter", _identity(letter, names), width)
    yield from _facts("Why", _reason(letter), width)
    yield from _facts("History", _history(letter), width)
    yield from _facts(f"Headers ({len(letter.headers)})", _headers(letter), width)
    if gone:
        yield from wrap_paragraph(f"Value: {gone}", width, style="yellow")
    else:
        yield from _value(value, letter.size_bytes)


def _facts(heading: str, facts: Sequence[tuple[str, str]], width: int) -> Iterator[Text]:
    yield Text(heading, style="bold cyan")
    shown = [(escape_control_characters(name), value) for name, value in facts if value]
    name_width = max((len(name) for name, _ in shown), default=0) + 2
    for name, value in shown:
        first = f"  {name:<{name_width}}"
        yield from wrap_paragraph(value, width, indent=" " * len(first), first=first)
    yield Text()


def _identity(letter: DeadLetter, names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        ("id", str(letter.letter_id)),
        ("service", letter.service),
        ("state", letter.state),
        ("about", names.get(letter.subject or "", letter.subject or "")),
        ("key", _key(letter)),
        ("kept in", _place(letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)),
        (
            "came from",
            _place(letter.source_topic, letter.source_partition, letter.source_offset),
        ),
        ("group", letter.consumer_group),
        ("stub", _stub(letter)),
    ]


def _stub(letter: DeadLetter) -> str:
    """What the letter is the beginning of, if it is a stub; else empty."""
    headers = {name: decode_header(value) for name, value in letter.headers}
    kind, size = headers.get(h.STUB), headers.get(h.STUB_SIZE, "")
    if kind is None or not size.isdecimal():
        return ""
    what = "a message" if kind == "record" else "a message in a batch, compressed,"
    return (
        f"this is only the beginning of {what} of {format_count(int(size), 'byte')}; "
        "a replay fetches it from where it came from, while it is there"
    )


def _key(letter: DeadLetter) -> str:
    if letter.key is None:
        return ""
    text = decode_header(letter.key)
    return text if letter.subject else f"{text} (its producer's claim: the value does not say)"


def _place(topic: str | None, partition: int | None, offset: int | None) -> str:
    if topic is None:
        return ""
    if partition is None or offset is None:
        return f"{topic}, as the record says; its place is not known"
    return f"{topic}, partition {partition}, offset {offset}"


def _reason(letter: DeadLetter) -> list[tuple[str, str]]:
    return [
        ("cause", letter.error_code),
        ("message", _message(letter)),
        ("error", letter.error_type),
        ("stack", _header(letter, h.ERROR_STACK)),
        ("fingerprint", letter.fingerprint),
        ("trace", _trace_id(letter)),
        *format_runbook_entry(letter.error_code),
    ]


def _header(letter: DeadLetter, name: str) -> str:
    raw = dict(letter.headers).get(name)
    return decode_header(raw) if raw else ""


def _trace_id(letter: DeadLetter) -> str:
    """The id by which traces and logs are found (W3C Trace Context); empty if there is none."""
    parts = _header(letter, h.TRACEPARENT).split("-")
    return parts[1] if len(parts) > 1 else ""


def _history(letter: DeadLetter) -> list[tuple[str, str]]:
    timeouts = f", {format_count(letter.timeouts, 'timeout')}" if letter.timeouts else ""
    tries = format_count(letter.attempts, "try", "tries")
    changed = f"{letter.state} {format_time(letter.outcome_at or letter.state_changed_at)}"
    return [
        ("first failed", format_time(letter.first_failed_at)),
        ("set aside", f"{format_time(letter.failed_at)} after {tries}{timeouts}"),
        ("replay of", str(letter.replay_of or "")),
        ("became", str(letter.became or "")),
        ("plan", str(letter.plan_id or "")),
        ("edited", f"edit {letter.edit}: `onrecord dlq edit ID --show`" if letter.edit else ""),
        ("indexed", format_time(letter.indexed_at)),
        ("since", changed if letter.state is not DeadLetterState.OPEN else ""),
        ("reason", letter.state_reason),
        ("snoozed until", format_time(letter.snoozed_until) if letter.snoozed_until else ""),
        ("discard", str(letter.discard_id or "")),
    ]


def _headers(letter: DeadLetter) -> list[tuple[str, str]]:
    return [(name, decode_header(value)) for name, value in letter.headers]


def decode_header(raw: bytes | None) -> str:
    """Decode a Kafka header's value as UTF-8 text, or else as hex."""
    if raw is None:
        return "(none)"
    try:
        return raw.decode() or "(empty)"
    except UnicodeDecodeError:
        return f"0x{raw.hex()}"


def _value(value: bytes | None, size: int) -> Iterator[Text]:
    if value is None:
        yield Text("Value: none (a tombstone)", style="bold cyan")
        return
    yield Text(f"Value ({format_count(size, 'byte')})", style="bold cyan")
    document = decode_json_or_none(value)
    if document is None:
        for line in format_hex_dump(value[:HEX_SHOWN]):
            yield Text(line)
        if (rest := size - HEX_SHOWN) > 0:
            yield Text(f"… {format_count(rest, 'more byte')}; --raw writes them all", style="dim")
        return
    lines = json.dumps(document, indent=2, ensure_ascii=False).splitlines()
    for line in lines[:LINES_SHOWN]:
        yield Text(escape_control_characters(line))
    if (rest := len(lines) - LINES_SHOWN) > 0:
        yield Text(f"… {format_count(rest, 'more line')}; --raw writes them all", style="dim")


def decode_json_or_none(value: bytes) -> Any:
    """Decode bytes as JSON; return None if they are not JSON."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def dead_letter_to_json(letter: DeadLetter, value: bytes | None) -> dict[str, Any]:
    """Convert a dead letter to JSON data, with its value in base64 and, if possible, as JSON."""
    return {
        **letter.model_dump(mode="json"),
        "headers_text": {name: decode_header(content) for name, content in letter.headers},
        "value": None if value is None else base64.b64encode(value).decode(),
        "value_json": None if value is None else decode_json_or_none(value),
    }
