"""Lists of details above the talk: `Date: …`, `Interviewer: …`, which look like speakers' turns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from contracts.transcript import Role
from transcripts.plain_text.lines import TextLine
from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised
from transcripts.speakers.roles import infer_role

_FEW: Final = 3
_TWICE: Final = 2
_MOST: Final = 0.8
_TITLES: Final = 3
_DETAIL_WORDS: Final = 8
_NAME_WORDS: Final = 4
_ADDRESS: Final = re.compile(r"<?(?:https?://|www\.)\S{3,500}")
_SENTENCE_ENDS: Final = (".", "?", "!", "…")


def remove_header_field_labels(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """Remove wrong speaker labels that are fields of a file's header, such as "Date:"."""
    return _without_untimed(_without_named_roles(_without_list(_without_addresses(lines))))


def _without_addresses(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """The lines, without labels above the talk that an address follows: `Agenda: https://…`."""
    keys = Counter(line.candidates[0].key for line in lines if line.candidates)
    end = next(
        (
            at
            for at, line in enumerate(lines)
            if line.candidates and keys[line.candidates[0].key] > 1
        ),
        0,
    )
    return _without_labels(lines, end, lambda one: _ADDRESS.fullmatch(one.text.strip()) is not None)


def _without_list(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """The lines, without roles that stand in a first paragraph of nothing but details."""
    begin, end = _first_labelled_paragraph(lines)
    labels = _labels_of_fields(lines[begin:end])
    if not all(one and (_is_detail(one) or _is_named_field(one)) for one in labels):
        return lines
    kinds = [classify_label(one.label) for one in labels if one]
    # Two may be a question and its answer, unless one names nobody in any interview: `Date: …`.
    if len(labels) < (_TWICE if LabelKind.HEADING in kinds else _FEW):
        return lines
    later = {one.key for line in lines[end:] for one in line.candidates[:1]}
    keys = [one.key for one in labels if one]
    stated = {key for key in keys if keys.count(key) == 1} - later
    if not later:
        return lines
    below = [line.candidates[0].key for line in lines[end:] if line.candidates]
    talks = len(set(below)) < len(below)
    sentences = any(one and one.text.strip() and _ends_sentence(one) for one in labels)
    if talks and len(stated) == len(keys) and not sentences:
        return _without_labels(lines, end, lambda one: _is_detail(one) or _is_named_field(one))
    if LabelKind.HEADING not in kinds:
        return lines
    return _without_labels(lines, end, lambda one: one.key in stated and _is_role(one.label))


def _labels_of_fields(lines: Sequence[TextLine]) -> list[LabelCandidate | None]:
    """The labels of lines, without lines that list what belongs to a field: `Participants:`."""
    labels = [_first_label(line) for line in lines]
    lists = [one is not None and not one.text.strip() for one in labels]
    if not any(lists):
        return labels
    begins = lists.index(True)
    return [one for at, one in enumerate(labels) if one is not None or at < begins]


def _ends_sentence(one: LabelCandidate) -> bool:
    return not one.text.strip() or one.text.rstrip().endswith(_SENTENCE_ENDS)


def _without_named_roles(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """The lines, without `Facilitator: J. Reyes` in a first paragraph, if the role speaks below."""
    end = _end_of_first_paragraph(lines)
    if end < _TWICE:
        return lines
    later = {one.key for line in lines[end:] for one in line.candidates[:1]}
    return _without_labels(lines, end, lambda one: one.key in later and _states_name(one))


def _without_untimed(lines: Sequence[TextLine]) -> Sequence[TextLine]:
    """The lines, without labels above the first that has a time, where nearly all have one."""
    first = next((at for at, line in enumerate(lines) if _is_timed(line)), 0)
    if not first or not any(line.candidates for line in lines[:first]):
        return lines
    labelled = [line for line in lines[first:] if _first_label(line) is not None]
    timed = sum(map(_is_timed, labelled))
    if timed < _FEW or timed < _MOST * len(labelled):
        return lines
    later = {line.candidates[0].key for line in labelled}
    above = [one for line in lines[:first] if (one := _first_label(line)) is not None]
    if _are_fields(above):
        return _without_labels(lines, first, lambda _: True)
    return _without_labels(lines, first, lambda one: one.key not in later and _is_detail(one))


def _are_fields(labels: Sequence[LabelCandidate]) -> bool:
    """Whether labels without a time are fields of a header, one of them at least by its name."""
    return (
        len(labels) > 1
        and len({one.key for one in labels}) == len(labels)
        and any(classify_label(one.label) is LabelKind.HEADING for one in labels)
        and not any(one.text.strip() and _ends_sentence(one) for one in labels)
    )


def _without_labels(
    lines: Sequence[TextLine], end: int, is_detail: Callable[[LabelCandidate], bool]
) -> Sequence[TextLine]:
    return [
        replace(line, candidates=(), times=())
        if at < end and (one := _first_label(line)) is not None and is_detail(one)
        else line
        for at, line in enumerate(lines)
    ]


def _first_labelled_paragraph(lines: Sequence[TextLine]) -> tuple[int, int]:
    """Begin and end of the first paragraph in which labels stand, below titles if there are any."""
    starts = [at for at, line in enumerate(lines) if not at or line.paragraph]
    for begin, end in pairwise([*starts, 0][: _TITLES + 2]):
        if end and any(map(_has_colon, lines[begin:end])):
            return begin, end
    return 0, 0


def _end_of_first_paragraph(lines: Sequence[TextLine]) -> int:
    return next((at for at, line in enumerate(lines) if at and line.paragraph), 0)


def _first_label(line: TextLine) -> LabelCandidate | None:
    return next((one for one in line.candidates if not one.later), None)


def _has_colon(line: TextLine) -> bool:
    one = _first_label(line)
    return one is not None and one.form is LabelMarking.COLON


def _is_timed(line: TextLine) -> bool:
    """Whether a time stands beside the line's label, if it be one of day."""
    if not line.times or line.candidates[0].later:
        return False
    return line.times[0] is not None or (bool(line.original) and bool(line.text.strip()))


def _is_role(label: str) -> bool:
    is_voice = " " not in label and classify_label(label) is LabelKind.ROLE  # such as `Channel`
    return is_voice or infer_role(label) is not Role.UNKNOWN


def _is_detail(one: LabelCandidate) -> bool:
    short = len(one.text.split()) <= _DETAIL_WORDS
    return one.form is LabelMarking.COLON and short and not one.text.rstrip().endswith(("?", "!"))


def _is_named_field(one: LabelCandidate) -> bool:
    """Whether a label names nobody in any interview, however long what stands behind it is."""
    return one.form is LabelMarking.COLON and classify_label(one.label) is LabelKind.HEADING


def _states_name(one: LabelCandidate) -> bool:
    """Whether a role's label has nothing but somebody's name behind it."""
    name = one.text.strip()
    return (
        one.form is LabelMarking.COLON
        and infer_role(one.label) is not Role.UNKNOWN
        and len(name.split()) <= _NAME_WORDS
        and not name.endswith(_SENTENCE_ENDS)
        and is_capitalised(name)
        and classify_label(name) is LabelKind.NAME
    )
