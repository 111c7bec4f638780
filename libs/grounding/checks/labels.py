"""Check that a note has themes and questions, and only those of the study."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.text.words import truncate_text

_MAX_LISTED = 20
"""Themes or questions that a refusal lists."""


def _no_theme(context: CheckContext) -> CheckFailure | None:
    if context.draft.themes:
        return None
    return CheckFailure(
        check="no_theme",
        reason=f"The note has no theme. {_word_choices('themes', _list_theme_ids(context))}",
        claim=truncate_text(context.draft.statement),
    )


def _unknown_theme(context: CheckContext) -> CheckFailure | None:
    return _check_known("theme", context.draft.themes, _list_theme_ids(context))


def _unknown_question(context: CheckContext) -> CheckFailure | None:
    known = [question.id for question in context.study.questions]
    return _check_known("question", context.draft.questions, known)


def _list_theme_ids(context: CheckContext) -> list[str]:
    return [theme.id for theme in context.study.themes]


def _check_known(what: str, offered: Iterable[str], known: list[str]) -> CheckFailure | None:
    strange = [one for one in dict.fromkeys(offered) if one not in known]
    if not strange:
        return None
    return CheckFailure(
        check=f"unknown_{what}",
        reason=f"The study has no such {what}. {_word_choices(f'{what}s', known)}",
        claim=truncate_text(", ".join(strange)),
    )


def _word_choices(what: str, known: list[str]) -> str:
    if not known:
        return f"It has no {what}: leave them out."
    more = ", …" if len(known) > _MAX_LISTED else ""
    return f"Its {what} are: {', '.join(known[:_MAX_LISTED])}{more}."


NO_THEME = Check("no_theme", "A note belongs under at least one theme.", _no_theme)
UNKNOWN_THEME = Check(
    "unknown_theme", "A note's themes are ids of the study's themes.", _unknown_theme
)
UNKNOWN_QUESTION = Check(
    "unknown_question", "A note's questions are ids of the study's questions.", _unknown_question
)
