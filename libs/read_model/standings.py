"""What the standings of notes mean, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts.notes import Standing
from read_model.notes import NoteMark, StoredNote

READING_LABEL: Final = "model's reading, not proven"
"""What stands before a statement that is no finding."""

PERSON_LABEL: Final = "statement of {name}, not proven"
"""The same before a statement that a person wrote."""

TURNS_CHANGED: Final = "a turn that it quotes is another one since: the statement is not proven"
"""What stands below a person's statement that was proven by another text."""

WITHHELD: Final = "not shown, as the study's policy on personal data is stricter since"
"""What stands in place of what a person wrote under a policy that is not strict enough any more."""

UNPROVEN: Final = "not proven: nothing vouches for this statement"
"""What stands below an unproven statement where the study or the reader asked for all."""

_MEANINGS: Final[Mapping[Standing, str]] = {
    Standing.VERBATIM: "the statement is the quote's own words",
    Standing.PROVEN: "code accounted for every part of the statement in the quotes",
    Standing.CONFIRMED: "a model that was asked found that the quotes support the statement",
    Standing.UNPROVEN: "nothing vouches for the statement and nothing refutes it; the quotes are "
    "exact, and the statement is how the model read them",
    Standing.REFUTED: "a check or a judging model refutes the statement, so that it is no note",
}


def choose_reading_label(note: StoredNote) -> str:
    """Return what stands before a note's statement that is no finding: whose it is."""
    edited = note.decided and note.decided.edited
    return build_reading_label(edited.by if edited else None)


def build_reading_label(edited_by: str | None) -> str:
    """Return what stands before a statement that is no finding.

    Args:
        edited_by: who wrote it; None: the model did.
    """
    return READING_LABEL if edited_by is None else PERSON_LABEL.format(name=edited_by)


def list_decision_lines(note: StoredNote) -> list[str]:
    """Return a line for each thing that people decided about a note: who, when and why.

    Where a person changed it, the model's statement or themes follow.
    """
    marks = note.decided
    if marks is None:
        return []
    done = (
        ("accepted", marks.accepted),
        ("statement edited", marks.edited),
        ("re-filed", marks.refiled),
        ("hidden", marks.hidden),
    )
    lines = [_describe_mark(what, mark) for what, mark in done if mark is not None]
    if marks.model_statement is not None:
        lines.append(f"the model's statement ({marks.model_standing}): {marks.model_statement}")
    if marks.turns_changed:
        lines.append(TURNS_CHANGED)
    if (earlier := marks.comment_count - len(marks.comments)) > 0:
        lines.append(f"{earlier} earlier {'comments' if earlier > 1 else 'comment'}")
    lines += [_describe_mark("comment", one) for one in marks.comments]
    return lines


def _describe_mark(what: str, mark: NoteMark) -> str:
    remark = WITHHELD if mark.is_withheld else mark.remark
    why = f": {remark}" if remark else ""
    return f"{what} by {mark.by}, {mark.at:%Y-%m-%d}{why}"


def describe_standing(standing: Standing) -> str:
    """Return a phrase that explains a note's standing, such as ``proven``."""
    return _MEANINGS[standing]
