"""Erasures and their receipts as text."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from contracts.erasures import (
    Erasure,
    ErasureKind,
    ErasurePlan,
    ErasureReceipt,
    ErasureState,
)
from onrecord.pages.rendering import format_count, wrap_paragraph

_SHOWN = 20
"""Interviews that are named of a plan."""


def format_plan(plan: ErasurePlan, width: int) -> Iterator[Text]:
    """Format what an erasure would erase."""
    what = format_count(plan.transcripts, "interview")
    yield from wrap_paragraph(f"{what} with {format_count(plan.notes, 'note')}:", width)
    for one in plan.named[:_SHOWN]:
        line = f"{one.transcript_id}  {one.title or '(not stored)'}"
        if one.other_participants:
            others = format_count(one.other_participants, "other participant")
            line += f"; {others} there, whose words go too"
        yield from wrap_paragraph(line, width, indent="  ")
    if plan.transcripts > _SHOWN:
        yield Text(f"  and {plan.transcripts - _SHOWN:,} more (--json names 1,000)")
    if plan.not_stored:
        what = format_count(plan.not_stored, "interview")
        yield from wrap_paragraph(
            f"Not looked into: {what} of the study that are not stored; ask again once they are.",
            width,
            style="yellow",
        )
    if plan.kind is ErasureKind.STUDY:
        yield from wrap_paragraph("The study is archived: it takes no more interviews.", width)


def format_erasure(erasure: Erasure, width: int) -> Iterator[Text]:
    """Format how far an erasure is."""
    yield from wrap_paragraph(_describe(erasure), width)
    if erasure.reference:
        yield from wrap_paragraph(f"reference: {erasure.reference}", width, indent="    ")
    for one in erasure.waits_for:
        yield from wrap_paragraph(f"waits for {one}", width, indent="    ", style="yellow")


def _describe(erasure: Erasure) -> str:
    head = f"{erasure.erasure_id}  {erasure.kind}"
    if erasure.study_id:
        head += f" of study {erasure.study_id}"
    head += f", {erasure.requested_at:%Y-%m-%d %H:%M}, by {erasure.requested_by}: "
    done = f"{erasure.erased} of {format_count(erasure.transcripts, 'interview')}"
    match erasure.state:
        case ErasureState.ERASING:
            return head + f"deleting, {done}"
        case ErasureState.DRAINING:
            return head + f"deleted, {done}; messages on their way are waited for"
        case ErasureState.COMPLETE:
            return head + f"complete, {done}"


def format_receipt(receipt: ErasureReceipt, width: int) -> Iterator[Text]:
    """Format a receipt: what was deleted, and what may remain."""
    yield from wrap_paragraph(f"Receipt of erasure {receipt.erasure_id}", width, style="bold")
    about = f"{receipt.kind} of study {receipt.study_id}" if receipt.study_id else receipt.kind
    yield from wrap_paragraph(
        f"{about}, asked for {receipt.requested_at:%Y-%m-%d %H:%M %Z} by {receipt.requested_by}, "
        f"complete {receipt.completed_at:%Y-%m-%d %H:%M %Z}",
        width,
    )
    if receipt.reference:
        yield from wrap_paragraph(f"reference: {receipt.reference}", width)
    yield Text()
    yield Text("Erased interviews", style="bold")
    for one in receipt.transcripts:
        yield Text(f"  {one.transcript_id}  {one.erased_at:%Y-%m-%d %H:%M:%S}")
    yield Text()
    yield Text("Deleted rows", style="bold")
    deleted = ", ".join(f"{number:,} {name}" for name, number in receipt.rows_deleted.items())
    yield from wrap_paragraph(deleted, width, indent="  ")
    yield Text()
    yield Text("What may remain, and until when", style="bold")
    for copy in receipt.remains:
        until = "no date" if copy.until is None else f"until {copy.until:%Y-%m-%d %H:%M}"
        yield from wrap_paragraph(f"{copy.place}: {until}", width, indent="  ")
        yield from wrap_paragraph(f"{copy.what}; {copy.ends}", width, indent="      ", style="dim")
