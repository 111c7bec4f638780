"""How long dead letters are kept, as a page that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from contracts.letter_retention import CauseExpiry, DlqSize, LetterRetention
from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import format_count, format_duration, format_time, wrap_paragraph

_MIB = 1024 * 1024


def format_letter_retention(found: LetterRetention, now: datetime, width: int) -> Iterator[Text]:
    """Format when dead letters expire, by cause, and how full the DLQs are.

    Args:
        found: as control has it.
        now: for how long it is until then.
        width: of a line, in columns.
    """
    policy = found.policy
    yield Text(
        f"open letters are kept for {policy.open_days:g} days, closed ones for "
        f"{policy.closed_days:g}, or for as long as their study says, if that is shorter"
    )
    if found.expiring:
        expiring = format_count(found.expiring, "open letter expires", "open letters expire")
        yield Text(f"{expiring} within {policy.warning_days:g} days", "yellow")
    if found.gone:
        gone = format_count(found.gone, "open letter is", "open letters are")
        yield Text(f"{gone} gone from the DLQ: expired in an hour, unless read again", "red")
    if found.causes:
        yield Text()
        yield Text(f"{'cause':<17} {'service':<11} {'open':>9} {'soon':>9}  first expires", "bold")
    for cause in found.causes:
        yield from _cause(cause, now, width)
    if (more := found.cause_count - len(found.causes)) > 0:
        yield Text(f"and {format_count(more, 'cause')} whose letters expire later", "dim")
    yield Text()
    yield Text(f"{'DLQ':<20} {'letters':>9} {'MiB':>9} {'of MiB':>9} {'full':>5}  oldest", "bold")
    for dlq in found.dlqs:
        yield _dlq(dlq, now)
    for name in found.missing_dlqs:
        yield Text(f"{name:<20} is not on the broker; its letters are left as they are", "red")


def _cause(cause: CauseExpiry, now: datetime, width: int) -> Iterator[Text]:
    left = format_duration(max((cause.first_expires_at - now).total_seconds(), 0))
    yield Text.assemble(
        (f"{cause.cause_id:<17}", "cyan"),
        f" {escape_control_characters(cause.service):<11} {cause.letters:>9,} ",
        (f"{cause.expiring:>9,}", "yellow" if cause.expiring else "dim"),
        f"  {format_time(cause.first_expires_at)}, in {left}",
    )
    said = escape_control_characters(f"{cause.error_code}: {cause.summary}")
    yield from wrap_paragraph(said, width, indent=" " * 18, style="dim")


def _dlq(dlq: DlqSize, now: datetime) -> Text:
    bound = "-" if dlq.max_bytes is None else f"{dlq.max_bytes / _MIB:,.0f}"
    share = "-" if dlq.share is None else f"{dlq.share:.0%}"
    oldest = dlq.oldest_failed_at
    age = "-" if oldest is None else format_duration((now - oldest).total_seconds())
    name = f"{dlq.topic}/{dlq.partition}" if dlq.partition else dlq.topic
    return Text.assemble(
        f"{name:<20} {dlq.letters:>9,} {dlq.bytes / _MIB:>9,.1f} {bound:>9} ",
        (f"{share:>5}", "red" if dlq.is_near_bound else ""),
        f"  {age}",
    )
