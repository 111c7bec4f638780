"""``onrecord matrix``: how many notes each interview has of each theme or question."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, get_page_width
from onrecord.settings import ClientSettings
from read_model.matrix import MatrixTopicKind

if TYPE_CHECKING:
    from onrecord.pages.matrix import Matrix

Study = Annotated[
    str | None, typer.Option(help="The study's id; may be left out if there is only one.")
]
By = Annotated[
    MatrixTopicKind, typer.Option("--by", help="Count notes by theme or by research question.")
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, max=1_000_000, help="At most so many interviews; all if not given."),
]
Csv = Annotated[
    bool, typer.Option("--csv", help="Print CSV: a row an interview, two columns a topic.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``matrix`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(matrix)


def matrix(
    *,
    study: Study = None,
    by: By = MatrixTopicKind.THEME,
    limit: Limit = None,
    csv: Csv = False,
    json_output: Json = False,
) -> None:
    """Compare a study's interviews: how many notes each has of each theme or question.

    Findings are counted apart from notes that are not proven. Themes and questions without notes
    are there, too. An empty cell says that nothing was noted only if every chunk of the interview
    was read, and it was asked for the topic; other empty cells are marked. Sums are of all
    interviews, or, with --limit, of those that are shown.

    Examples of use:

        onrecord matrix --study small-repair-shops
        onrecord matrix --by question
        onrecord matrix --csv > matrix.csv
        onrecord matrix --json | jq '.topics[] | select(.interviews == 0).id'
    """
    from onrecord.pages.matrix import format_matrix, write_matrix_csv  # noqa: PLC0415 - quick help

    if csv and json_output:
        raise UsageError("--csv does not go with --json")
    found = asyncio.run(_find(study, by, limit))
    if json_output:
        print_json(found.as_json())
    elif csv:
        write_matrix_csv(found, sys.stdout)
    else:
        for line in format_matrix(found, get_page_width(out)):
            out.print(line)
    if found.has_more:
        shown = format_count(len(found.interviews), "interview")
        err.print(f"the first {shown}, and sums of those alone; a higher --limit shows more")
    elif not found.interviews:
        err.print("no interviews yet")
    elif not found.topics:
        err.print(f"the study has no {by}s")


async def _find(asked: str | None, by: MatrixTopicKind, limit: int | None) -> Matrix:
    # Slow to import.
    from onrecord.connections import open_reading_client  # noqa: PLC0415
    from onrecord.pages.matrix import Matrix  # noqa: PLC0415
    from onrecord.reading_client import choose_study  # noqa: PLC0415

    async with open_reading_client(ClientSettings.load()) as reading:
        study = choose_study(asked, await reading.studies())
        most = None if limit is None else limit + 1
        pages = [one async for one in reading.matrix_pages(study, by, most=most)]
    interviews = [one for page in pages for one in page.interviews]
    shown = interviews[:limit]
    return Matrix(study, by, pages[0].topics, shown, len(interviews) > len(shown))
