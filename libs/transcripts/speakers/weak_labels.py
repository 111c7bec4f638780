"""Decision over labels that are set off weakly: by a tab, a full stop, a dash or their own line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from transcripts.speakers.candidates import LabelMarking
from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised
from transcripts.speakers.labels import STRONG_MARKINGS, TWICE, LineLabels, SpeakerLabels

WEAK_MARKINGS: Final = (
    LabelMarking.TABBED,
    LabelMarking.DOT,
    LabelMarking.ALONE,
    LabelMarking.DASH,
)
"""Marks that also stand in speech, in the order in which they are tried."""

_USUAL: Final = 0.5  # of all lines: labels are the rule in this file
_ALWAYS: Final = 0.8  # of all paragraphs or cues


def decide_weak_labels(
    places: Sequence[LineLabels], form: LabelMarking, known: Collection[str]
) -> SpeakerLabels | None:
    """Decide which labels with an ambiguous mark, such as blanks, name speakers.

    Args:
        places: all lines of the file.
        form: the mark.
        known: keys of the labels that the producer declared.

    Returns:
        None if labels of this form do not explain the file.
    """
    labels: dict[str, list[int]] = defaultdict(list)
    names: dict[str, str] = {}
    starts = 0
    for number, place in enumerate(places):
        starts += place.is_start
        for one in place.candidates:
            if one.form is form:
                labels[one.key].append(number)
                names.setdefault(one.key, one.label)
                break
    accepted = {key for key in labels if key in known or _is_weakly_plausible(names[key], form)}
    recurring = {key for key in accepted if len(labels[key]) >= TWICE}
    if not recurring:
        accepted = {key for key in accepted if classify_label(names[key]) is not LabelKind.WORDS}
    lines = sum(len(labels[key]) for key in accepted)
    if len(accepted) < TWICE:
        return None
    if form in {LabelMarking.DASH, LabelMarking.TABBED} or (
        form is LabelMarking.DOT and _words_among(accepted, names)
    ):
        dense = lines >= _USUAL * len(places)
    else:
        dense = bool(recurring) or (starts > 1 and lines >= _ALWAYS * starts)
    if not dense or (form is LabelMarking.DASH and not recurring):
        return None
    words = _words_among(accepted, names)
    fewest = TWICE + 1 if form is LabelMarking.DASH else TWICE
    accepted -= {key for key in words if len(labels[key]) < fewest}
    return SpeakerLabels({key: frozenset({form}) | STRONG_MARKINGS for key in accepted})


def _words_among(accepted: Collection[str], names: Mapping[str, str]) -> set[str]:
    return {key for key in accepted if classify_label(names[key]) is LabelKind.WORDS}


def _is_weakly_plausible(label: str, form: LabelMarking) -> bool:
    kind = classify_label(label)
    if form is LabelMarking.DOT:  # `DO. About nine years` where it recurs, although `do` is a word
        return kind in {LabelKind.ROLE, LabelKind.NAME, LabelKind.WORDS}
    return kind in {LabelKind.ROLE, LabelKind.NAME} or (
        kind is LabelKind.WORDS
        and form in {LabelMarking.ALONE, LabelMarking.TABBED, LabelMarking.DASH}
        and is_capitalised(label)
    )
