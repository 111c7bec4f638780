"""Signs in a file's lines that a label was taken for speech, or speech for a label.

Each compares a label with how this file writes all the others, so that files that are merely
unusual are in no doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.label_kinds import LabelCase, LabelKind, classify_label, get_label_case
from transcripts.speakers.labels import TWICE, SpeakerLabels

_FEW_WORDS: Final = 3
_MOST: Final = 0.8
_SELDOM: Final = 0.1
_FEWEST_TURNS: Final = 4


class _Turn(NamedTuple):
    label: LabelCandidate
    missed: tuple[LabelCandidate, ...]
    """Possible labels at the beginnings of the turn's other lines."""


def find_label_doubts(
    found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]]
) -> Iterator[str]:
    """Yield warnings where a speaker label may have been missed or wrongly recognised.

    Args:
        found: the labels that are believed.
        starts: the possible labels of each of the file's lines, in order.
    """
    turns = list(_turns(found, starts))
    yield from _missed_between(turns)
    yield from _names_within_lines(found, starts, turns)
    yield from _once_within_line(found, starts, turns)
    yield from _written_alike(found, starts, turns)
    yield from _marked_alike(found, starts, turns)
    if len(turns) >= _FEWEST_TURNS:
        yield from _points_of_an_answer(turns)


def _turns(found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]]) -> Iterator[_Turn]:
    current: LabelCandidate | None = None
    missed: list[LabelCandidate] = []
    for candidates in starts:
        one = found.choose(candidates)
        if one is None:
            missed += filter(_may_be_label, candidates[:1])
            continue
        if current is not None:
            yield _Turn(current, tuple(missed))
        current, missed = one, []
    if current is not None:
        yield _Turn(current, tuple(missed))


def _may_be_label(one: LabelCandidate) -> bool:
    return (
        one.form is LabelMarking.COLON
        and not one.later
        and bool(one.text.strip())
        and len(one.label.split()) <= _FEW_WORDS
        and one.label.replace(" ", "").isalnum()
        and classify_label(one.label) is not LabelKind.HEADING
    )


def _missed_between(turns: Sequence[_Turn]) -> Iterator[str]:
    """A possible label between two turns of one speaker, in a file whose speakers take turns."""
    if not any(turn.missed for turn in turns):
        return
    pairs = list(pairwise(turns))
    repeated = [earlier for earlier, later in pairs if earlier.label.key == later.label.key]
    missed = [turn for turn in repeated if turn.missed]
    others = len(repeated) - len(missed)
    if missed and others <= _SELDOM * len(pairs):
        yield (
            f"“{missed[0].missed[0].label}” stands before a colon between two turns of "
            f"{missed[0].label.label}: it may be another speaker"
        )


def _names_within_lines(
    found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]], turns: Sequence[_Turn]
) -> Iterator[str]:
    """A name within a line that goes on in small letters, where turns begin with capitals."""
    within = [one for candidates in starts for one in candidates if one.later and one.starts_lower]
    named = next((one for one in within if found.choose([one]) is not None), None)
    if named is None:
        return
    first = [turn.label for turn in turns if not turn.label.later and turn.label.text.strip()]
    if len(first) >= _FEWEST_TURNS and sum(one.starts_lower for one in first) <= _SELDOM * len(
        first
    ):
        yield (
            f"“{named.label}” stands within a line and goes on in small letters: it may be what "
            "somebody else said"
        )


def _once_within_line(
    found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]], turns: Sequence[_Turn]
) -> Iterator[str]:
    """A label that stands once, within a line, where all others begin lines."""
    within = [
        one
        for candidates in starts
        for one in candidates
        if one.later
        and found.choose([one]) is not None
        and not any(first.label.endswith(one.label) for first in candidates if not first.later)
    ]
    again = {turn.label.key for turn in turns if not turn.label.later}
    if len(within) == 1 and within[0].key not in again and len(turns) >= _FEWEST_TURNS:
        yield (
            f"“{within[0].label}” stands once only, within a line: it may be what somebody quotes"
        )


def _written_alike(
    found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]], turns: Sequence[_Turn]
) -> Iterator[str]:
    """A label in capitals that was taken for speech, where all who speak are in capitals."""
    cases = {get_label_case(turn.label.label) for turn in turns if len(turn.label.label) > 1}
    lengths = [len(turn.label.label) for turn in turns]
    if cases != {LabelCase.UPPER} or max(lengths) < _FEWEST_TURNS:
        return
    for candidates in starts:
        one = candidates[0] if candidates else None
        if (
            one is not None
            and found.choose(candidates) is None
            and _may_be_label(one)
            and len(one.label) >= min(_FEWEST_TURNS, *lengths)
            and get_label_case(one.label) is LabelCase.UPPER
            and not one.text.isupper()
        ):
            yield f"“{one.label}” stands before a colon in capitals, as all do who speak"
            return


def _marked_alike(
    found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]], turns: Sequence[_Turn]
) -> Iterator[str]:
    """A word in brackets before a line, taken for speech where brackets name all speakers."""
    if not turns or any(turn.label.form is not LabelMarking.BRACKET for turn in turns):
        return
    cases = {get_label_case(turn.label.label) for turn in turns}
    for candidates in starts:
        one = candidates[0] if candidates else None
        if (
            one is not None
            and one.form is LabelMarking.BRACKET
            and found.choose(candidates) is None
            and len(one.label.split()) == 1
            and one.label.isalpha()
            and get_label_case(one.label) in cases
            and classify_label(one.label) is not LabelKind.HEADING
            and one.text.lstrip()[:1].isupper()
        ):
            yield (
                f"“{one.label}” stands in brackets before a line as speakers do, and was taken "
                "for speech"
            )
            return


def _points_of_an_answer(turns: Sequence[_Turn]) -> Iterator[str]:
    """Labels that stand once and go on in small letters, where the others begin with capitals."""
    counts = Counter([turn.label.key for turn in turns])
    if 1 not in counts.values():
        yield from _always_lower(turns, counts)
        return
    again = [turn.label for turn in turns if counts[turn.label.key] >= TWICE]
    once = [turn.label for turn in turns if counts[turn.label.key] == 1]
    cases = {get_label_case(one.label) for one in again}
    lower = [one for one in once if one.starts_lower and not one.later]
    if not lower:
        yield from _always_lower(turns, counts)
        return
    if (
        lower
        and len(again) > TWICE
        and sum(one.starts_lower for one in again) <= _SELDOM * len(again)
        and len(cases) == 1
    ):
        yield (
            f"“{lower[0].label}” is named once only, and goes on in small letters: it may be part "
            "of what was said before it"
        )


def _always_lower(turns: Sequence[_Turn], counts: Counter[str]) -> Iterator[str]:
    """A label that stands a few times and always goes on in small letters, unlike the others."""
    lower = {turn.label.key for turn in turns if turn.label.starts_lower and not turn.label.later}
    capital = {turn.label.key for turn in turns if turn.label.text[:1].isupper()}
    seldom = [key for key in lower - capital if counts[key] <= _FEW_WORDS]
    others = [turn.label for turn in turns if turn.label.key not in seldom]
    upper = sum(one.text[:1].isupper() for one in others)
    if seldom and len(others) >= _FEWEST_TURNS and upper >= _MOST * len(others):
        label = next(turn.label.label for turn in turns if turn.label.key == seldom[0])
        yield (
            f"what “{label}” says always begins in small letters, unlike what others say: it may "
            "be part of what was said before it"
        )
