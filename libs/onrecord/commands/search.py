"""``onrecord search``: the statements, quotes and turns that have some words, or mean like them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from onrecord.console import Json, err, out, print_json
from onrecord.pages.rendering import format_count, get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_transport import Params
    from read_model.search import SearchResult

KINDS: Final = ("note", "quote", "segment")

Words = Annotated[
    str,
    typer.Argument(
        metavar="WORDS", help='What to find: rent "per month" -deposit.', show_default=False
    ),
]
Study = Annotated[str | None, typer.Option(help="Only in this study, by its id.")]
Transcript = Annotated[UUID | None, typer.Option(help="Only in this interview, by its id.")]
Kind = Annotated[str | None, typer.Option(help="Only in texts of this kind: note, quote, segment.")]
Like = Annotated[
    bool,
    typer.Option(
        "--like", help="What means something like WORDS, a sentence; control needs a model for it."
    ),
]
Exact = Annotated[
    bool,
    typer.Option(
        help="Exact words and names where the study masks them; takes the right to read evidence."
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


def register(app: typer.Typer) -> None:
    """Add the command ``search`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(search)


def search(  # noqa: PLR0913 - each is an option
    words: Words,
    *,
    study: Study = None,
    transcript: Transcript = None,
    kind: Kind = None,
    like: Like = False,
    exact: Exact = False,
    limit: Limit = 20,
    json_output: Json = False,
) -> None:
    """Search notes' statements, quotes and segments for words, the best matches first.

    Words are found in all their forms, in the language of each study. "Quotation marks" keep words
    together, `or` stands between alternatives, and `-` before what is not wanted. What a study
    masks is found by those who may read evidence, with --exact, and by nobody else. Segments are
    found where the study allows personal data, and with --exact.

    With --like, texts are found that mean something like a sentence, in other words too, the
    nearest first. There is always a nearest one: read how near it is. Control needs an embedding
    model (docs/reading.md).

    Examples of use:

        onrecord search "rent increase" --study small-repair-shops
        onrecord search '"per month" or monthly' --kind quote --limit 100
        onrecord search --like "the landlord asks for more money" --kind quote
        onrecord search Zebedee --exact --json | jq '.results[].text'
    """
    if kind not in {None, *KINDS}:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}", param_hint="--kind")
    which: Params = {
        "q": words,
        "study": study,
        "transcript": None if transcript is None else str(transcript),
        "kind": kind,
        "exact": exact or None,
        "like": like or None,
    }
    found = asyncio.run(_find(which, limit))
    results, has_more = found.results, found.has_more
    if json_output:
        shown = {"results": [asdict(one) for one in results], "has_more": has_more}
        print_json(shown | ({"not_compared": found.not_compared} if like else {}))
        return
    from onrecord.pages.search import format_search_results  # noqa: PLC0415 - keeps help quick

    for line in format_search_results(results, get_page_width(out)):
        out.print(line)
    if found.not_compared:
        err.print(f"{format_count(found.not_compared, 'text')} not compared yet; look again later")
    if not results:
        err.print("nothing can be compared yet" if like else "nothing has these words")
    elif has_more:
        err.print(f"there is more: the best {len(results)} are shown; --limit shows others")


@dataclass(slots=True)
class _Found:
    results: list[SearchResult] = field(default_factory=list)
    has_more: bool = False
    not_compared: int | None = None


async def _find(which: Params, limit: int) -> _Found:
    from onrecord.connections import open_reading_client  # noqa: PLC0415 - slow to import

    found = _Found()
    async with open_reading_client(ClientSettings.load()) as reading:
        async for page in reading.search(which, most=limit + 1):
            found.results += page.results
            if page.not_compared is not None:
                found.not_compared = page.not_compared
            if len(found.results) > limit:
                break
    found.has_more = len(found.results) > limit
    del found.results[limit:]
    return found
