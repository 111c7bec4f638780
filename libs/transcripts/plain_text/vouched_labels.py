"""Labels whose form vouches for them, by how nearly all lines of a plain text begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from transcripts.plain_text.lines import TextLine
from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised

_NEARLY_ALL: Final = 0.9
_MOST: Final = 0.8
_USUALLY: Final = 0.7
_FEW: Final = 3
_TWICE: Final = 2


def vouch_for_labels(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """Return the lines, with labels marked as structural where the whole file is written so."""
    return _with_labels_throughout(_with_stamped_labels(_with_chat_labels(lines)))


def _with_chat_labels(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """Where every line with a time has a label behind it, as in chats, its form vouches for it."""
    stamped = [line for line in lines if line.original and line.text.strip()]
    labelled = [line for line in stamped if _chat_label(line) is not None]
    if len(stamped) < _FEW or len(labelled) < _USUALLY * len(stamped):
        return lines
    return [
        replace(line, candidates=(one, *line.candidates), structural=True)
        if line.original and line.text.strip() and (one := _chat_label(line)) is not None
        else line
        for line in lines
    ]


def _with_labels_throughout(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """Where nearly every line begins with a label that recurs, its form vouches for it.

    `Stakeholder: …` is a speaker then, although the words are ordinary.
    """
    spoken = [line for line in lines if line.text.strip()]
    firsts = [line.candidates[0] for line in spoken if _begins_with_label(line)]
    counts = Counter(one.key for one in firsts)
    recurring = sum(count for count in counts.values() if count >= _TWICE)
    if recurring < max(_FEW * _TWICE, _NEARLY_ALL * len(spoken)):
        return lines
    return [
        replace(line, structural=True)
        if _begins_with_label(line) and counts[line.candidates[0].key] >= _TWICE
        else line
        for line in lines
    ]


def _begins_with_label(line: TextLine) -> bool:
    one = line.candidates[0] if line.candidates and not line.is_list_item else None
    return (
        one is not None
        and not one.later
        and one.form is LabelMarking.COLON
        and bool(one.text.strip())
        and not (one.label.isupper() and one.text.isupper())  # `MARKET: PRICES`
        and classify_label(one.label) is not LabelKind.HEADING
    )


def _with_stamped_labels(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """Where nearly every paragraph begins with a name and a time, their form vouches for it."""
    recurring = _recurring_stamped_labels(lines)
    stamped = [at for at, line in enumerate(lines) if _is_stamped_label(line, recurring)]
    if len(stamped) < _FEW:
        return lines
    starts = [line for line in lines[stamped[0] :] if line.paragraph and line.text.strip()]
    if len(stamped) < _MOST * max(len(starts), 1):
        return lines
    vouched = list(lines)
    for at in stamped:
        if not lines[at].structural:
            vouched[at] = replace(lines[at], structural=True)
    return vouched


def _recurring_stamped_labels(lines: Sequence[TextLine]) -> frozenset[str]:
    """Labels beside times that stand twice at least, if all do, whatever they look like."""
    counts = Counter(
        one.key
        for line in lines
        for one in line.candidates[:1]
        if one.form is LabelMarking.STAMPED and one.label[:1].isalpha() and one.key.count(" ") <= 1
    )
    again = frozenset(key for key, count in counts.items() if count >= _TWICE)
    return again if len(again) >= max(_TWICE, _MOST * len(counts)) else frozenset()


def _is_stamped_label(line: TextLine, recurring: frozenset[str]) -> bool:
    one = next(iter(line.candidates), None)
    return (
        one is not None
        and one.form is LabelMarking.STAMPED
        and one.label[:1].isalpha()
        and (one.key in recurring or is_capitalised(one.label))
    )


def _chat_label(line: TextLine) -> LabelCandidate | None:
    one = next(iter(line.candidates), None)
    if one is None or one.form not in {LabelMarking.COLON, LabelMarking.BRACKET} or one.later:
        return None
    return one if one.text.strip() and classify_label(one.label) is not LabelKind.HEADING else None
