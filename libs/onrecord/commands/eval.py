"""``onrecord eval``: how good the checks are, on notes that are known to be true or false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import typer

from grounding.evaluation import (
    Half,
    Verdict,
    commonest_errors,
    examine,
    half_of,
    judged,
    read_samples,
    score,
)
from onrecord.console import Json, err, print_json
from onrecord.errors import UsageError
from onrecord.eval_pii import pii
from onrecord.files import read_text
from onrecord.injection_eval import injection
from onrecord.measures import Measure, put_on_page, tell
from transcripts import TranscriptError, read_transcript

CAUGHT: Final = 0.99
REFUSED: Final = 0.02
BALANCED_ACCURACY: Final = 0.66
MILLISECONDS: Final = 20.0

File = Annotated[Path, typer.Argument(help="Samples in SummEdits' format.", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A folder of transcripts.", show_default=False)]
Page = Annotated[Path, typer.Argument(help="A Markdown page.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Of the choices among ways to spoil a note.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(
        help="How good the checks are, on notes that are known to be true or false.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    verbs.command()(grounding)
    verbs.command()(metamorphic)
    verbs.command()(injection)
    verbs.command()(pii)
    verbs.command()(page)
    app.add_typer(verbs, name="eval", rich_help_panel="Interviews and notes")


def grounding(file: File, *, json_output: Json = False) -> None:
    """Judge summaries of which editors said whether their document bears them out.

    Prints balanced accuracy, precision and recall, per half of the documents and per edit type,
    and milliseconds a note; writes `.onrecord/eval/<name>.json`. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval grounding summedits_podcast.json
        onrecord eval grounding summedits_samsum.json --json
    """
    try:
        samples = read_samples(read_text(file))
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error
    if not samples:
        raise UsageError(f"{file}: no samples")
    began = perf_counter()
    verdicts = [judged(sample) for sample in samples]
    milliseconds = (perf_counter() - began) * 1000 / len(samples)
    name = f"grounding-{file.stem.removeprefix('summedits_')}"
    tell(
        [
            Measure(
                name=name,
                figure=score(verdicts).balanced_accuracy,
                goal=BALANCED_ACCURACY,
                better="higher",
                unit="balanced accuracy",
                sides=_grounding_sides(verdicts),
                notes=commonest_errors(verdicts),
            ),
            Measure(
                name=f"{name}-time",
                figure=milliseconds,
                goal=MILLISECONDS,
                better="lower",
                unit="ms a note",
                sides={"light": {"ms a note": milliseconds, "notes": len(samples)}},
            ),
        ],
        as_json=json_output,
    )


def metamorphic(folder: Folder, *, seed: Seed = 7, json_output: Json = False) -> None:
    """Spoil true notes of real transcripts, and count which are refused.

    Every sentence of a transcript is a true note; it is spoiled by number, negation, name,
    speaker, segment, theme, time and quantifier wherever it allows that. Prints the share caught
    per kind and the share of true notes refused; writes `.onrecord/eval/metamorphic.json`. Files
    in no known format are passed over. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval metamorphic interviews/rev
        onrecord eval metamorphic samples --seed 11
    """
    began = perf_counter()
    verdicts = _examined(folder, seed)
    per_second = len(verdicts) / (perf_counter() - began)
    true = [one for one in verdicts if one.is_true]
    false = [one for one in verdicts if not one.is_true]
    tell(
        [
            Measure(
                name="metamorphic",
                figure=_refused(false),
                goal=CAUGHT,
                better="higher",
                unit="share of spoiled notes caught",
                sides=_metamorphic_sides(verdicts),
                notes=commonest_errors(verdicts),
            ),
            Measure(
                name="metamorphic-true",
                figure=_refused(true),
                goal=REFUSED,
                better="lower",
                unit="share of true notes refused",
                sides={
                    half.value: {
                        "refused": _refused(part),
                        "in doubt": _doubted(part),
                        "notes": len(part),
                    }
                    for half, part in _by_half(true).items()
                }
                | {"light": {"notes a second": per_second}},
            ),
        ],
        as_json=json_output,
    )


def page(file: Page, *, json_output: Json = False) -> None:
    """Put the measured figures on a page, between its marks.

    Examples of use:

        onrecord eval page docs/evaluation.md
    """
    put_on_page(file)
    if json_output:
        print_json({"page": str(file)})


def _examined(folder: Path, seed: int) -> list[Verdict]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    verdicts: list[Verdict] = []
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        try:
            reading = read_transcript(read_text(file))
        except (TranscriptError, UsageError):
            err.print(f"passed over: {file.name}", style="dim", markup=False)
            continue
        verdicts += examine(file.stem, reading.segments, seed)
    if not verdicts:
        raise UsageError(f"{folder} holds no transcript with sentences to take notes from")
    return verdicts


def _metamorphic_sides(verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    """Share caught per kind, on all transcripts and on each half of them."""
    false = [one for one in verdicts if not one.is_true]
    counts = Counter(one.kinds[0] for one in false)
    parts = {"all": false, **{half.value: part for half, part in _by_half(false).items()}}
    sides: dict[str, dict[str, float]] = {}
    for kind, count in sorted(counts.items()):
        of_kind = {
            name: [one for one in part if one.kinds[0] == kind] for name, part in parts.items()
        }
        sides[kind] = {name: _refused(part) for name, part in of_kind.items() if part}
        sides[kind]["notes"] = count
    sides["every kind"] = {name: _refused(part) for name, part in parts.items() if part}
    sides["every kind"]["notes"] = len(false)
    return sides


def _grounding_sides(verdicts: Sequence[Verdict]) -> dict[str, dict[str, float]]:
    sides = {"all": _figures(verdicts)}
    for half, part in _by_half(verdicts).items():
        sides[half.value] = _figures(part)
    edits = sorted({kind for one in verdicts for kind in one.kinds})
    for edit in edits:
        edited = [one for one in verdicts if edit in one.kinds and not one.is_true]
        if edited:
            sides[edit] = {"recall": _refused(edited), "notes": len(edited)}
    return sides


def _figures(verdicts: Sequence[Verdict]) -> dict[str, float]:
    scored = score(verdicts)
    return {
        "balanced accuracy": scored.balanced_accuracy,
        "precision": scored.precision,
        "recall": scored.recall,
        "true accepted": scored.true_accepted,
        "in doubt": _doubted(verdicts),
        "notes": scored.notes,
    }


def _by_half(verdicts: Sequence[Verdict]) -> dict[Half, list[Verdict]]:
    parts: dict[Half, list[Verdict]] = {}
    for one in verdicts:
        parts.setdefault(half_of(one.document), []).append(one)
    return dict(sorted(parts.items()))


def _doubted(verdicts: Sequence[Verdict]) -> float:
    """The share that a judge would be asked about."""
    return sum(one.is_doubted for one in verdicts) / len(verdicts) if verdicts else 0.0


def _refused(verdicts: Sequence[Verdict]) -> float:
    return sum(not one.is_accepted for one in verdicts) / len(verdicts) if verdicts else 0.0
