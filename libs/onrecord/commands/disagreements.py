"""``onrecord disagreements``: notes whose statements oppose each other, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.commands import notes as options
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.study import Study as StudyInputs
    from onrecord.control_transport import Params
    from onrecord.pages.disagreements import TopicDisagreements

Study = Annotated[
    str | None, typer.Option(help="The study's id; may be left out if there is only one.")
]
Limit = Annotated[
    int, typer.Option(min=1, max=100, help="At most so many pairs of a question or theme.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``disagreements`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(disagreements)


def disagreements(  # noqa: PLR0913 - each is an option
    *,
    study: Study = None,
    question: options.Question = None,
    theme: options.Theme = None,
    exact: options.Exact = False,
    limit: Limit = 20,
    json_output: Json = False,
) -> None:
    """Show notes on one question whose statements oppose each other, side by side.

    Without a question or theme, all of the study's questions are gone through, or its themes if it
    has none. Code compares statements that share at least half of their words, and sees a word's
    opposite, a negation that only one has, and another number of the same. It does not see what is
    said in other words, hints, irony, or whether both speak of the same thing; and what it shows
    may be no disagreement: the quotes say. It compares statements in English only, and none whose
    names are masked. Where it does not compare all, it says what and why.

    Examples of use:

        onrecord disagreements --study small-repair-shops
        onrecord disagreements --question switching
        onrecord disagreements --theme pricing --json | jq '.[].pairs[].first.evidence[].quote'
    """
    from onrecord.pages.disagreements import format_disagreements  # noqa: PLC0415 - quick help

    if question is not None and theme is not None:
        raise UsageError("--question does not go with --theme")
    found = asyncio.run(_find(study, question, theme, {"limit": limit, "exact": exact or None}))
    if json_output:
        print_json(
            [
                {"kind": one.kind, "id": one.id, "text": one.text, **asdict(one.report)}
                for one in found
            ]
        )
    else:
        # Of many questions, those without a disagreement would hide the others.
        shown = [one for one in found if one.report.pairs or not one.report.is_complete]
        for line in format_disagreements(shown, get_page_width(out)):
            out.print(line)
    if not any(one.report.pairs for one in found):
        among = "" if all(one.report.is_complete for one in found) else " among those compared"
        err.print(f"no statements that oppose each other{among}, as far as code sees it")


async def _find(
    asked: str | None, question: str | None, theme: str | None, which: Params
) -> list[TopicDisagreements]:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.pages.disagreements import TopicDisagreements  # noqa: PLC0415
    from onrecord.reading_client import choose_study  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        name = choose_study(asked, await reading.studies())
        study = (await reading.study(name)).study
        return [
            TopicDisagreements(
                kind, key, text, await reading.disagreements(name, {kind: key, **which})
            )
            for kind, key, text in _choose_topics(study, question, theme)
        ]


def _choose_topics(
    study: StudyInputs, question: str | None, theme: str | None
) -> Iterator[tuple[str, str, str]]:
    """Yield kind, id and text of the questions or themes that are meant.

    Raises:
        UsageError: the study has no such question or theme.
    """
    questions = [("question", one.id, one.text) for one in study.questions]
    themes = [("theme", one.id, one.name) for one in study.themes]
    if theme is not None:
        questions = []
    for kind, wanted, known in (("question", question, questions), ("theme", theme, themes)):
        if wanted is not None and wanted not in (ids := [key for _, key, _ in known]):
            there = "; ".join(ids) or "none"
            raise UsageError(f"there is no {kind} {wanted!r}; known: {there}")
    yield from (one for one in questions or themes if one[1] == (question or theme or one[1]))
