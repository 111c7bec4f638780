"""A dead letter's history as a page: calls, where the time went, lineage, and refused claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from contracts.control_api import DeadLetter
from contracts.letter_history import LetterHistory, LetterModelCall, RefusedDraft, RelatedLetter
from contracts.notes import CheckFailure
from contracts.terminal import escape_control_characters
from onrecord.pages.check_names import CHECKS
from onrecord.pages.letters import ID_SHOWN, decode_json_or_none
from onrecord.pages.rendering import (
    format_count,
    format_duration,
    format_spend,
    format_time,
    wrap_paragraph,
)

CALLS_SHOWN: Final = 20
"""Latest calls that a page lists; --json has up to 200."""

RELATED_SHOWN: Final = 10
"""Latest related letters that a page lists; --json has up to 100."""

DRAFTS_SHOWN: Final = 20
"""Claims that a page lists; --json has all of them."""


def format_letter_history(
    letter: DeadLetter, value: bytes | None, history: LetterHistory, width: int
) -> Iterator[RenderableType]:
    """Format a dead letter's history for the terminal: calls, related letters, rejected notes.

    Args:
        letter: whose.
        value: its message, as far as the caller may read it.
        history: as control has it.
        width: of a line, in columns.
    """
    yield from _claims(value, history.refused or (), width)
    if history.call_count:
        yield from _calls(history)
        yield from _times(letter, history.calls, width)
    if history.related or history.stored_at or letter.replay_of:
        yield from _lineage(letter, history, width)


def _calls(history: LetterHistory) -> Iterator[RenderableType]:
    spend = format_spend(history.cost_usd, unpriced=history.unpriced)
    yield Text()
    yield Text(f"Calls about its chunk ({history.call_count:,}, USD {spend})", "bold cyan")
    table = Table("begun", "for", "model", "tokens", "USD", "first", "total", "outcome", box=None)
    for call in history.calls[-CALLS_SHOWN:]:
        tokens = f"{call.input_tokens or 0:,}+{call.output_tokens or 0:,}"
        table.add_row(
            format_time(call.started_at),
            escape_control_characters(f"{call.purpose} {call.prompt_version}"),
            escape_control_characters(call.answered_by or call.model),
            tokens,
            "?" if call.cost_usd is None else f"{call.cost_usd:.4f}",
            _seconds(call.first_token_s),
            _seconds(call.latency_s),
            escape_control_characters(call.outcome or "no result yet"),
        )
    yield table
    if (rest := history.call_count - CALLS_SHOWN) > 0:
        yield Text(f"… {format_count(rest, 'earlier call')}; --json has more", "dim")


def _times(
    letter: DeadLetter, calls: Sequence[LetterModelCall], width: int
) -> Iterator[RenderableType]:
    """Where the time went, from when its message was sent until it was set aside."""
    sent = letter.source_sent_at
    own = [one for one in calls if one.started_at <= letter.failed_at]
    if sent is not None:
        own = [one for one in own if one.started_at >= sent]
    if not own:
        return
    begin = own[0].started_at
    busy = _count_busy_seconds(own, letter.failed_at)
    between = max((letter.failed_at - begin).total_seconds() - busy, 0.0)
    silent = sum(one.first_token_s is None for one in own)
    facts = [
        (
            "in the queue",
            "" if sent is None else f"{_seconds((begin - sent).total_seconds())} before a call",
        ),
        (
            "in calls",
            f"{_seconds(busy)} in {format_count(len(own), 'call')}"
            + (f", of which {silent:,} did not begin to answer" if silent else ""),
        ),
        ("beside them", f"{_seconds(between)}: limits, pauses between tries, other work"),
    ]
    yield Text()
    yield Text("Where the time went", "bold cyan")
    for name, fact in facts:
        if fact:
            yield from wrap_paragraph(fact, width, indent=" " * 16, first=f"  {name:<14}")


def _count_busy_seconds(calls: Sequence[LetterModelCall], until: datetime) -> float:
    """Seconds in which at least one call was under way; calls may overlap."""
    total, reached = 0.0, calls[0].started_at
    for one in sorted(calls, key=lambda call: call.started_at):
        end = min(one.settled_at or until, until)
        begin = max(one.started_at, reached)
        if end > begin:
            total += (end - begin).total_seconds()
            reached = end
    return total


def _lineage(letter: DeadLetter, history: LetterHistory, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text("Lineage", "bold cyan")
    before = _find_ancestors(letter, history.related)
    for one in history.related[:RELATED_SHOWN]:
        if one.letter_id in before:
            relation = "came before"
        elif one.replay_of == letter.letter_id:
            relation = "became of it"
        else:
            relation = "same subject"
        fact = (
            f"{str(one.letter_id)[:ID_SHOWN]}, {one.service}, {one.error_code}, "
            f"{one.state}, set aside {format_time(one.failed_at)}"
        )
        yield from wrap_paragraph(fact, width, indent=" " * 16, first=f"  {relation:<14}")
    if (rest := len(history.related) - RELATED_SHOWN) > 0:
        yield Text(f"  … {format_count(rest, 'more letter')}; --json has them", "dim")
    if history.stored_at is not None:
        yield Text(f"  {'stored':<14}notes on its chunk, {format_time(history.stored_at)}")


def _find_ancestors(letter: DeadLetter, related: Sequence[RelatedLetter]) -> set[object]:
    """Ids of the letters whose replays led to this one."""
    origins = {one.letter_id: one.replay_of for one in related}
    found: set[object] = set()
    at = letter.replay_of
    while at is not None and at not in found:
        found.add(at)
        at = origins.get(at)
    return found


def _claims(
    value: bytes | None, refused: Sequence[RefusedDraft], width: int
) -> Iterator[RenderableType]:
    """Refused claims beside their passages; of a draft without verdicts, its claims."""
    document = None if value is None else decode_json_or_none(value)
    draft = document if isinstance(document, dict) and _is_draft(document) else {}
    if refused:
        attempt = draft.get("attempt")
        own = [one for one in refused if attempt is None or one.attempt == attempt]
        yield Text()
        yield Text(f"Refused claims ({len(own)})", "bold cyan")
        for one in own[:DRAFTS_SHOWN]:
            yield from wrap_paragraph(one.note.draft.statement, width, first="  ", indent="  ")
            for failure in one.note.failures:
                yield _beside(failure, width)
        if (rest := len(own) - DRAFTS_SHOWN) > 0:
            yield Text(f"  … {format_count(rest, 'more claim')}; --json has them", "dim")
        return
    if draft:
        yield Text()
        yield Text(f"Claims of the draft ({len(draft['notes'])})", "bold cyan")
        for claim, passage in list(_draft_claims(draft))[:DRAFTS_SHOWN]:
            yield _two_columns("claim", claim, "passage", passage, width)


def _beside(failure: CheckFailure, width: int) -> RenderableType:
    verdict = f"{CHECKS.get(failure.check, failure.check)}: {failure.reason}"
    return _two_columns(
        "claim", f"{failure.claim or '(all of it)'}\n{verdict}", "passage", failure.evidence, width
    )


def _two_columns(left: str, claim: str, right: str, passage: str, width: int) -> RenderableType:
    table = Table(left, right, box=None, width=width, padding=(0, 1, 0, 4), header_style="dim")
    table.columns[0].ratio = table.columns[1].ratio = 1
    table.add_row(
        Text(escape_control_characters(claim)), Text(escape_control_characters(passage or "(none)"))
    )
    return table


def _is_draft(document: dict[str, Any]) -> bool:
    """Whether a document looks like ``NotesDrafted``; a letter's value may be anything."""
    return isinstance(document.get("notes"), list) and isinstance(document.get("chunk"), dict)


def _draft_claims(draft: dict[str, Any]) -> Iterator[tuple[str, str]]:
    segments = draft["chunk"].get("segments")
    texts = {
        one.get("number"): str(one.get("text", ""))
        for one in (segments if isinstance(segments, list) else ())
        if isinstance(one, dict) and isinstance(one.get("number"), int)
    }
    for note in draft["notes"]:
        if not isinstance(note, dict):
            continue
        cited = note.get("evidence")
        numbers = [
            one.get("segment")
            for one in (cited if isinstance(cited, list) else ())
            if isinstance(one, dict) and isinstance(one.get("segment"), int)
        ]
        passage = "\n".join(f"[{number}] {texts[number]}" for number in numbers if number in texts)
        yield str(note.get("statement", "")), passage


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 100 else format_duration(seconds)  # noqa: PLR2004 - as people read it
