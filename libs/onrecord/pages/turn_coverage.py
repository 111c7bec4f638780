"""An interview's coverage, turn by turn, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.text import Text

from onrecord.pages.rendering import format_count, format_recording_time, wrap_paragraph
from read_model.transcripts import TranscriptSummary
from read_model.turn_coverage import CoveredTurn, TurnCount, TurnStatus

_LABELS: Final = {
    TurnStatus.CITED: ("cited", "green"),
    TurnStatus.UNNOTED: ("not noted", "yellow"),
    TurnStatus.EXPIRED: ("notes gone", "yellow"),
    TurnStatus.UNREAD: ("unread", "red"),
}
_LABEL_WIDTH: Final = 11
_INTERVIEWER: Final = "interviewer"
"""Who speaks and is no participant; whom nobody knows may be one."""


@dataclass(frozen=True, slots=True)
class TurnCoverage:
    """Coverage of an interview's turns.

    Attributes:
        interview: in its current revision.
        counts: numbers of all its turns, by status and role.
        turns: those that were asked for.
        has_more: whether there are others behind them.
    """

    interview: TranscriptSummary
    counts: Sequence[TurnCount]
    turns: Sequence[CoveredTurn]
    has_more: bool

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "transcript_id": self.interview.transcript_id,
            "revision": self.interview.revision,
            "title": self.interview.title,
            "counts": [asdict(one) for one in self.counts],
            "turns": [asdict(one) for one in self.turns],
            "has_more": self.has_more,
        }


def format_turn_coverage(coverage: TurnCoverage, width: int) -> Iterator[Text]:
    """Format an interview's coverage: the shares of each status, and the turns.

    Args:
        coverage: what to show.
        width: of a line, in columns.
    """
    total = sum(one.turns for one in coverage.counts)
    heading = f"{coverage.interview.title} ({format_count(total, 'turn')})"
    yield from wrap_paragraph(heading, width, style="bold")
    counted = {one.status for one in coverage.counts}
    for status in TurnStatus:
        if status is TurnStatus.EXPIRED and status not in counted:
            continue
        yield from _format_share(status, coverage.counts, width)
    if coverage.turns:
        yield Text()
    for turn in coverage.turns:
        yield from _format_turn(turn, width)


def _format_share(status: TurnStatus, counts: Sequence[TurnCount], width: int) -> Iterator[Text]:
    label, style = _LABELS[status]
    first = Text.assemble("  ", (f"{label:<{_LABEL_WIDTH}}", style))
    of_status = [one for one in counts if one.status is status]
    # What interviewers say is rarely noted, and says nothing of what was left out.
    said = sum(one.characters for one in counts if one.role != _INTERVIEWER)
    share = sum(one.characters for one in of_status if one.role != _INTERVIEWER)
    reasons: dict[str, int] = {}
    for one in of_status:
        if one.reason is not None:
            reasons[one.reason] = reasons.get(one.reason, 0) + one.turns
    line = format_count(sum(one.turns for one in of_status), "turn")
    if reasons:
        line += f" ({', '.join(f'{number:,} {reason}' for reason, number in reasons.items())})"
    if said:
        # Of a turn that a note cites all words count, whichever it cites.
        where = " is in turns that notes cite" if status is TurnStatus.CITED else ""
        line += f"; {_format_percent(share, said)} of what participants said{where}"
    yield from wrap_paragraph(line, width, indent=" " * len(first), first=first)


def _format_percent(part: int, whole: int) -> str:
    """Format a share so that only nothing is 0%, and only the whole 100%."""
    rounded = f"{part / whole:.0%}"
    if part and rounded == "0%":
        return "<1%"
    return ">99%" if part < whole and rounded == "100%" else rounded


def _format_turn(turn: CoveredTurn, width: int) -> Iterator[Text]:
    label, style = _LABELS[turn.status]
    why = f" ({turn.reason})" if turn.reason else ""
    noted = f" by {format_count(turn.notes, 'note')}" if turn.notes else ""
    if noted and turn.status is not TurnStatus.CITED:
        noted = f", cited{noted}"
    said = turn.segment
    who = f"{said.number} {format_recording_time(said.start_ms)} {said.speaker}: "
    yield from wrap_paragraph(f"{who}{label}{noted}{why}", width, style=style)
    yield from wrap_paragraph(said.text, width, indent="  ")
