"""Checks that a note is filed under themes and questions the study has."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.notes import CheckFailure
from grounding.checks.frame import Case, Check
from grounding.text.words import clip

_MOST_LISTED = 20
"""Themes or questions that a refusal lists."""


def _no_theme(case: Case) -> CheckFailure | None:
    if case.draft.themes:
        return None
    return CheckFailure(
        check="no_theme",
        reason=f"The note has no theme. {_choices('themes', _theme_ids(case))}",
        claim=clip(case.draft.statement),
    )


def _unknown_theme(case: Case) -> CheckFailure | None:
    return _unknown("theme", case.draft.themes, _theme_ids(case))


def _unknown_question(case: Case) -> CheckFailure | None:
    known = [question.id for question in case.study.questions]
    return _unknown("question", case.draft.questions, known)


def _theme_ids(case: Case) -> list[str]:
    return [theme.id for theme in case.study.themes]


def _unknown(what: str, offered: Iterable[str], known: list[str]) -> CheckFailure | None:
    strange = [one for one in dict.fromkeys(offered) if one not in known]
    if not strange:
        return None
    return CheckFailure(
        check=f"unknown_{what}",
        reason=f"The study has no such {what}. {_choices(f'{what}s', known)}",
        claim=clip(", ".join(strange)),
    )


def _choices(what: str, known: list[str]) -> str:
    if not known:
        return f"It has no {what}: leave them out."
    more = ", …" if len(known) > _MOST_LISTED else ""
    return f"Its {what} are: {', '.join(known[:_MOST_LISTED])}{more}."


NO_THEME = Check("no_theme", "A note belongs under at least one theme.", _no_theme)
UNKNOWN_THEME = Check(
    "unknown_theme", "A note's themes are ids of the study's themes.", _unknown_theme
)
UNKNOWN_QUESTION = Check(
    "unknown_question", "A note's questions are ids of the study's questions.", _unknown_question
)
