"""Standings of notes in words: what vouches for a statement, and marks of unproven ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from contracts.notes import CheckFailure, Standing, Voucher, VoucherKind
from onrecord.pages.check_names import CHECKS
from onrecord.pages.rendering import wrap_paragraph
from read_model.standings import describe_standing

_STYLES: Final = {Standing.UNPROVEN: "yellow", Standing.REFUTED: "red"}
_KINDS: Final = {
    VoucherKind.RULE: "rule",
    VoucherKind.JUDGE: "judging model",
    VoucherKind.ENTAILMENT: "entailment model",
}


def format_standing(
    standing: Standing,
    vouchers: Sequence[Voucher],
    failures: Sequence[CheckFailure],
    width: int,
) -> Iterator[Text]:
    """Format a note's standing, with the rules or models that confirm it, or doubts.

    Args:
        standing: of the note.
        vouchers: of the note.
        failures: checks that it failed, flags included; listed where nothing vouches for it.
        width: of a line, in columns.
    """
    line = f"{standing}: {describe_standing(standing)}"
    yield from wrap_paragraph(line, width, style=_STYLES.get(standing, "green"))
    for one in vouchers:
        detail = f"{_KINDS[one.kind]} {one.name}: {one.detail}"
        yield from wrap_paragraph(detail, width, indent="  ", style="dim")
    for failure in () if vouchers else failures:
        doubt = f"it {CHECKS.get(failure.check, failure.check)}: {failure.reason}"
        yield from wrap_paragraph(doubt, width, indent="  ", style="dim")
