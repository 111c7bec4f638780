"""``onrecord eval``: how good checks and readers are, on what is known to be right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from evaluation.grounding.injection import parse_attacks
from evaluation.grounding.injection_measures import measure_injection
from evaluation.grounding.metamorphic_measures import measure_mutated_notes
from evaluation.grounding.summedits import parse_summedits
from evaluation.grounding.summedits_measures import measure_summedits
from evaluation.inputs import InterviewFolder, read_benchmark, read_interviews
from evaluation.measures import (
    Measure,
    format_figure,
    list_columns,
    update_page,
    write_measures,
)
from evaluation.modes import CheckMode, load_parsers
from evaluation.personal_data.annotated_texts import parse_annotated_texts
from evaluation.personal_data.detection_measures import measure_detection
from evaluation.transcripts.format_measures import measure_formats
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError
from onrecord.settings import find_home_folder

_SUMMEDITS_PREFIX: Final = "summedits_"

SamplesFile = Annotated[
    Path, typer.Argument(help="Samples in SummEdits' format.", show_default=False)
]
AttacksFile = Annotated[
    Path, typer.Argument(help="Instructions in BIPIA's format.", show_default=False)
]
AnnotatedFile = Annotated[
    Path, typer.Argument(help="Marked texts in presidio-research's format.", show_default=False)
]
TranscriptFolder = Annotated[
    Path, typer.Argument(help="A folder of transcripts.", show_default=False)
]
Interviews = Annotated[
    Path | None, typer.Option(help="Transcripts to plant them in; else a short one of its own.")
]
MutationSeed = Annotated[int, typer.Option(help="Of the choices among ways to spoil a note.")]
HostSeed = Annotated[int, typer.Option(help="Of the choice of turns to plant them in.")]
ModeOption = Annotated[
    CheckMode | None,
    typer.Option(
        help="Measure one mode; else light, and heavy beside it where its packages are installed.",
        show_default=False,
    ),
]
DataFolder = Annotated[
    Path,
    typer.Argument(
        help="A folder with found/formats, interviews, vendors, qmsum and webvtt.",
        show_default=False,
    ),
]
Page = Annotated[Path, typer.Argument(help="A Markdown page.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of ``eval`` to the command line."""
    verbs = typer.Typer(
        help="How good the checks and the readers are, on what is known to be right or wrong.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    for verb in (grounding, metamorphic, injection, pii, formats, page):
        verbs.command()(verb)
    app.add_typer(verbs, name="eval", rich_help_panel="Interviews and notes")


def grounding(file: SamplesFile, *, mode: ModeOption = None, json_output: Json = False) -> None:
    """Measure the checks on summaries that editors have labelled as supported or not.

    Prints balanced accuracy, precision and recall, per half of the documents and per edit type,
    and milliseconds a note; writes `.onrecord/eval/<name>.json`. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval grounding summedits_podcast.json
        onrecord eval grounding summedits_samsum.json --mode light --json
    """
    samples = read_benchmark(file, parse_summedits)
    name = f"grounding-{file.stem.removeprefix(_SUMMEDITS_PREFIX)}"
    measures = measure_summedits(name, samples, load_parsers(mode))
    _report_measures(measures, as_json=json_output)


def metamorphic(
    folder: TranscriptFolder,
    *,
    seed: MutationSeed = 7,
    mode: ModeOption = None,
    json_output: Json = False,
) -> None:
    """Corrupt true notes of real transcripts, and count how many are refused.

    Every sentence of a transcript is a true note; it is spoiled by number, negation, name,
    speaker, segment, theme, time and quantifier wherever it allows that. Prints the share caught
    per kind and the share of true notes refused; writes `.onrecord/eval/metamorphic.json`. In the
    heavy mode, notes are turned in who did it to whom, and in whether it was done, too. Files in
    no known format are passed over. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval metamorphic interviews/rev
        onrecord eval metamorphic samples --seed 11 --mode light
    """
    parsers = load_parsers(mode)
    interviews = _read_interviews(folder).interviews
    _report_measures(measure_mutated_notes(interviews, seed, parsers), as_json=json_output)


def injection(
    file: AttacksFile,
    *,
    interviews: Interviews = None,
    seed: HostSeed = 7,
    json_output: Json = False,
) -> None:
    """Plant instructions in interviews, and count the notes that obey and would be stored.

    Each instruction is planted at the start, in the middle and at the end of a participant's turn.
    Judged is what models of several degrees of obedience would draft: the instruction itself,
    bare and wrapped; answers made of its own words; a true note with an answer appended, or in the
    cipher it asks for; the prompt's text; payloads in themes, questions and citations. Prints them
    per way and per kind, the share of notes accepted that only report the instruction, and the
    share of true notes that these checks refuse. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval injection bipia_text_attack_train.json
        onrecord eval injection bipia_text_attack_train.json --interviews interviews/rev
    """
    attacks = read_benchmark(file, parse_attacks)
    hosts = _read_interviews(interviews).interviews if interviews else None
    _report_measures(measure_injection(attacks, hosts, seed), as_json=json_output)


def pii(file: AnnotatedFile, *, json_output: Json = False) -> None:
    """Measure the detection of personal data on texts in which it is marked.

    Prints recall and precision of all kinds that are marked, per half of the templates and per
    kind, and milliseconds a text, with the model and without it where one is installed; writes
    `.onrecord/eval/pii.json` and `pii-light.json`. A span counts as found if a finding overlaps
    it; a finding is right if it overlaps a span. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval pii presidio_synth_dev.json
    """
    samples = read_benchmark(file, parse_annotated_texts)
    _report_measures(measure_detection(samples), as_json=json_output)


def formats(folder: DataFolder, *, json_output: Json = False) -> None:
    """Measure the reading of transcripts whose turns are known, by kind of source.

    Prints the share of words with the right speaker, of turns with the right start (20 ms), and of
    words kept; how alike three transcripts of the same talks are; and how far captions are read as
    another WebVTT parser reads them. Writes `.onrecord/eval/formats*.json`. Exit code 1 if a goal
    is missed.

    Examples of use:

        onrecord eval formats ../shared/data
    """
    _report_measures(measure_formats(folder, _print_unknown), as_json=json_output)


def page(file: Page, *, json_output: Json = False) -> None:
    """Write the measured figures into a Markdown page, between its marks.

    Examples of use:

        onrecord eval page docs/evaluation.md
    """
    update_page(file, _measures_folder())
    if json_output:
        print_json({"page": str(file)})


def _report_measures(measures: Sequence[Measure], *, as_json: bool) -> None:
    """Write each measure's file and print them, shortfalls first.

    Raises:
        FailedError: a measure falls short of its goal.
    """
    written = write_measures(measures, _measures_folder())
    if as_json:
        print_json(written)
    else:
        for measure in sorted(measures, key=lambda one: one.holds):
            _print_measure(measure)
    short = [one.name for one in measures if not one.holds]
    if short:
        raise FailedError(f"short of the goal: {', '.join(short)}")


def _measures_folder() -> Path:
    return find_home_folder() / "eval"


def _print_measure(measure: Measure) -> None:
    sign = "≥" if measure.better == "higher" else "≤"
    verdict = "holds" if measure.holds else "FALLS SHORT"
    figure = f"{measure.name}: {measure.figure:.4g} {measure.unit}"
    out.print(f"{figure}, goal {sign} {measure.goal:g}: {verdict}", markup=False)
    columns = list_columns(measure.sides)
    table = Table("", *columns, box=None)
    for side, figures in measure.sides.items():
        table.add_row(side, *(format_figure(figures.get(column)) for column in columns))
    out.print(table)
    for note in measure.notes:
        out.print(f"  {note}", markup=False)
    out.print()


def _print_unknown(file: Path) -> None:
    err.print(f"passed over, as its turns are not known: {file}", style="dim", markup=False)


def _read_interviews(folder: Path) -> InterviewFolder:
    read = read_interviews(folder)
    for name in read.skipped:
        err.print(f"passed over: {name}", style="dim", markup=False)
    return read
