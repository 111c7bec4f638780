"""``onrecord eval``: how good checks and readers are, on what is known to be right or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import typer

from grounding.evaluation import Verdict, commonest_errors, judged, read_samples, score
from onrecord.console import Json, print_json
from onrecord.eval_inputs import read_benchmark
from onrecord.eval_modes import Mode, ModeOption, parsers
from onrecord.eval_pii import pii
from onrecord.formats_eval import formats
from onrecord.injection_eval import injection
from onrecord.measures import Measure, put_on_page, tell
from onrecord.metamorphic_eval import by_half, doubted, metamorphic, refused

BALANCED_ACCURACY: Final = 0.66
MILLISECONDS: Final = 20.0

File = Annotated[Path, typer.Argument(help="Samples in SummEdits' format.", show_default=False)]
Page = Annotated[Path, typer.Argument(help="A Markdown page.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs of ``eval``."""
    verbs = typer.Typer(
        help="How good the checks and the readers are, on what is known to be right or wrong.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    verbs.command()(grounding)
    verbs.command()(metamorphic)
    verbs.command()(injection)
    verbs.command()(pii)
    verbs.command()(formats)
    verbs.command()(page)
    app.add_typer(verbs, name="eval", rich_help_panel="Interviews and notes")


def grounding(file: File, *, mode: ModeOption = None, json_output: Json = False) -> None:
    """Judge summaries of which editors said whether their document bears them out.

    Prints balanced accuracy, precision and recall, per half of the documents and per edit type,
    and milliseconds a note; writes `.onrecord/eval/<name>.json`. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval grounding summedits_podcast.json
        onrecord eval grounding summedits_samsum.json --mode light --json
    """
    samples = read_benchmark(file, read_samples)
    judging = parsers(mode)
    first = next(iter(judging))
    verdicts: dict[Mode, list[Verdict]] = {}
    took: dict[Mode, float] = {}
    for one, parse in judging.items():
        began = perf_counter()
        verdicts[one] = [judged(sample, parse) for sample in samples]
        took[one] = (perf_counter() - began) * 1000 / len(samples)
    name = f"grounding-{file.stem.removeprefix('summedits_')}"
    tell(
        [
            Measure(
                name=name,
                figure=score(verdicts[first]).balanced_accuracy,
                goal=BALANCED_ACCURACY,
                better="higher",
                unit=f"balanced accuracy, {first}",
                sides=_grounding_sides(verdicts[first]) | _beside(verdicts, first),
                notes=commonest_errors(verdicts[first]),
            ),
            Measure(
                name=f"{name}-time",
                figure=took[first],
                goal=MILLISECONDS,
                better="lower",
                unit=f"ms a note, {first}",
                sides={
                    str(one): {"ms a note": value, "notes": len(samples)}
                    for one, value in took.items()
                },
            ),
        ],
        as_json=json_output,
    )


def _beside(verdicts: Mapping[Mode, Sequence[Verdict]], first: Mode) -> dict[str, dict[str, float]]:
    """The figures of the modes that are measured beside the first."""
    sides: dict[str, dict[str, float]] = {}
    for mode, judged_so in verdicts.items():
        if mode is not first:
            sides[f"{mode}: all"] = _figures(judged_so)
            for half, part in by_half(judged_so).items():
                sides[f"{mode}: {half.value}"] = _figures(part)
    return sides


def page(file: Page, *, json_output: Json = False) -> None:
    """Put the measured figures on a page, between its marks.

    Examples of use:

        onrecord eval page docs/evaluation.md
    """
    put_on_page(file)
    if json_output:
        print_json({"page": str(file)})


def _grounding_sides(verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    sides = {"all": _figures(verdicts)}
    for half, part in by_half(verdicts).items():
        sides[half.value] = _figures(part)
    edits = sorted({kind for one in verdicts for kind in one.kinds})
    for edit in edits:
        edited = [one for one in verdicts if edit in one.kinds and not one.is_true]
        if edited:
            sides[edit] = {"recall": refused(edited), "notes": len(edited)}
    return sides


def _figures(verdicts: Sequence[Verdict]) -> dict[str, float]:
    scored = score(verdicts)
    return {
        "balanced accuracy": scored.balanced_accuracy,
        "precision": scored.precision,
        "recall": scored.recall,
        "true accepted": scored.true_accepted,
        "in doubt": doubted(verdicts),
        "notes": scored.notes,
    }
