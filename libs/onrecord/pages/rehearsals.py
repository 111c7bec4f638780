"""Rehearsals as pages that an operator reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from contracts.rehearsals import LetterRehearsal, RehearsalPrediction, RehearsedLetter
from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import format_count, wrap_paragraph
from onrecord.pages.replay_plans import format_overrides

LETTERS_SHOWN: Final = 50
"""Letters that are shown one by one; of more, causes are."""

_WORDS: Final = {
    RehearsalPrediction.PASSES: ("passes", "green"),
    RehearsalPrediction.SAME_CAUSE: ("same cause", "red"),
    RehearsalPrediction.OTHER_CAUSE: ("other cause", "magenta"),
    RehearsalPrediction.UNKNOWN: ("unknown", "yellow"),
    RehearsalPrediction.NOT_REHEARSED: ("not rehearsed", "dim"),
}
_INDENT: Final = " " * 25


def format_rehearsal(
    rehearsal: LetterRehearsal, letters: Sequence[RehearsedLetter], width: int
) -> Iterator[Text]:
    """Format a rehearsal's predictions by cause, and by letter if there are few.

    Args:
        rehearsal: as control has it.
        letters: all of its letters.
        width: of a line, in columns.
    """
    yield _summary(rehearsal)
    yield from format_overrides(rehearsal.overrides)
    if rehearsal.calls_made or rehearsal.calls_cached or rehearsal.calls_needed:
        yield Text(_calls(rehearsal), "dim")
    if rehearsal.accuracy.replayed:
        yield Text(_accuracy(rehearsal))
    if len(letters) <= LETTERS_SHOWN:
        for letter in letters:
            yield from _letter(letter, width)
    else:
        yield from _causes(letters, width)


def _summary(rehearsal: LetterRehearsal) -> Text:
    text = Text(f"{format_count(rehearsal.letters, 'letter')}")
    if rehearsal.matching > rehearsal.letters:
        text.append(f" of {rehearsal.matching:,}")
    text.append(f" rehearsed ({rehearsal.mode}):")
    for prediction, (words, style) in _WORDS.items():
        if number := rehearsal.predictions.get(prediction, 0):
            text.append(f" {number:,} {words},", style)
    return text[:-1]


def _calls(rehearsal: LetterRehearsal) -> str:
    parts = [
        f"{rehearsal.calls_cached:,} answers recorded",
        f"{rehearsal.calls_made:,} calls made for US$ {rehearsal.cost_usd:.4f}",
        f"{format_count(rehearsal.calls_needed, 'call')} needed and not made",
    ]
    return "models: " + ", ".join(parts)


def _accuracy(rehearsal: LetterRehearsal) -> str:
    found = rehearsal.accuracy
    if not found.settled:
        return f"since then {found.replayed:,} were replayed; what that ends in is not known yet"
    share = f"{found.right / found.settled:.1%}"
    return (
        f"since then {found.replayed:,} were replayed: {found.right:,} of {found.settled:,} went "
        f"as predicted ({share})"
    )


def _letter(letter: RehearsedLetter, width: int) -> Iterator[Text]:
    words, style = ("waiting", "dim") if letter.prediction is None else _WORDS[letter.prediction]
    outcome = f"  [then {letter.outcome}]" if letter.outcome else ""
    yield Text.assemble(
        (f"{str(letter.letter_id)[:8]:<9}", "cyan"),
        (f"{words:<15} ", style),
        f"{escape_control_characters(letter.service)}{outcome}",
    )
    if why := _why(letter):
        yield from wrap_paragraph(why, width, indent=_INDENT, style="dim")


def _why(letter: RehearsedLetter) -> str:
    if letter.predicted_code:
        return escape_control_characters(
            f"{letter.predicted_service}: {letter.predicted_code}: {letter.predicted_message}"
        )
    return escape_control_characters(letter.reason)


def _causes(letters: Sequence[RehearsedLetter], width: int) -> Iterator[Text]:
    by_cause: defaultdict[tuple[str, str], Counter[RehearsalPrediction | None]] = defaultdict(
        Counter
    )
    reasons: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for letter in letters:
        cause = (letter.service, letter.cause_id)
        by_cause[cause][letter.prediction] += 1
        if why := _why(letter):
            reasons[cause][why] += 1
    yield Text(f"{'cause':<17} {'service':<12} predictions", "bold")
    for (service, cause_id), counts in sorted(by_cause.items(), key=lambda one: -one[1].total()):
        text = Text.assemble(
            (f"{cause_id:<17}", "cyan"), f" {escape_control_characters(service):<12}"
        )
        for prediction, (words, style) in _WORDS.items():
            if number := counts[prediction]:
                text.append(f" {number:,} {words}", style)
        yield text
        for why, number in reasons[service, cause_id].most_common(2):
            yield from wrap_paragraph(
                f"{number:,} times: {why}", width, indent=_INDENT, style="dim"
            )
