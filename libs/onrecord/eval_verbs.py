"""The verbs of ``onrecord eval``, which import the checks, the readers and a model's client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from evaluation.grounding.injection import parse_attacks
from evaluation.grounding.injection_measures import measure_injection
from evaluation.grounding.metamorphic_measures import measure_mutated_notes
from evaluation.grounding.summedits import parse_summedits
from evaluation.grounding.summedits_measures import measure_summedits
from evaluation.inputs import InterviewFolder, read_benchmark, read_interviews
from evaluation.measures import update_page
from evaluation.modes import load_parsers
from evaluation.personal_data.annotated_texts import parse_annotated_texts
from evaluation.personal_data.detection_measures import measure_detection
from evaluation.transcripts.format_measures import measure_formats
from onrecord.console import Json, err, print_json
from onrecord.eval_calibrate import calibrate_entailment_thresholds
from onrecord.eval_judge import measure_judging_models
from onrecord.eval_options import ModeOption
from onrecord.eval_pairs import measure_labelled_pairs
from onrecord.eval_paraphrases import measure_paraphrased_notes
from onrecord.measure_reports import find_measures_folder, report_measures

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
DataFolder = Annotated[
    Path,
    typer.Argument(
        help="A folder with found/formats, interviews, vendors, qmsum and webvtt.",
        show_default=False,
    ),
]
Page = Annotated[Path, typer.Argument(help="A Markdown page.", show_default=False)]


def build_eval_verbs() -> typer.Typer:
    """Build the Typer application of the verbs of ``onrecord eval``."""
    verbs = typer.Typer(rich_markup_mode="markdown")
    commands: dict[str, Callable[..., None]] = {
        "grounding": measure_grounding_checks,
        "pairs": measure_labelled_pairs,
        "paraphrases": measure_paraphrased_notes,
        "calibrate": calibrate_entailment_thresholds,
        "judge": measure_judging_models,
        "metamorphic": measure_corrupted_notes,
        "injection": measure_prompt_injection,
        "pii": measure_personal_data_detection,
        "formats": measure_format_parsing,
        "page": update_figures_page,
    }
    for name, command in commands.items():
        verbs.command(name)(command)
    return verbs


def measure_grounding_checks(
    file: SamplesFile, *, mode: ModeOption = None, json_output: Json = False
) -> None:
    """Measure the grounding checks on summaries that are labelled as supported or not.

    Prints balanced accuracy, precision and recall, per half of the documents and per edit type,
    and milliseconds a note; writes `.onrecord/eval/<name>.json`. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval grounding summedits_podcast.json
        onrecord eval grounding summedits_samsum.json --mode light --json
    """
    samples = read_benchmark(file, parse_summedits)
    name = f"grounding-{file.stem.removeprefix(_SUMMEDITS_PREFIX)}"
    measures = measure_summedits(name, samples, load_parsers(mode))
    report_measures(measures, as_json=json_output)


def measure_corrupted_notes(
    folder: TranscriptFolder,
    *,
    seed: MutationSeed = 7,
    mode: ModeOption = None,
    json_output: Json = False,
) -> None:
    """Corrupt true notes on real transcripts, and count how many of them the checks reject.

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
    report_measures(measure_mutated_notes(interviews, seed, parsers), as_json=json_output)


def measure_prompt_injection(
    file: AttacksFile,
    *,
    interviews: Interviews = None,
    seed: HostSeed = 7,
    json_output: Json = False,
) -> None:
    """Insert instructions into transcripts, and count notes that obey them and pass the checks.

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
    report_measures(measure_injection(attacks, hosts, seed), as_json=json_output)


def measure_personal_data_detection(file: AnnotatedFile, *, json_output: Json = False) -> None:
    """Measure the detection of personal data on texts in which personal data is annotated.

    Prints recall and precision of all kinds that are marked, per half of the templates and per
    kind, and milliseconds a text, with the model and without it where one is installed; writes
    `.onrecord/eval/pii.json` and `pii-light.json`. A span counts as found if a finding overlaps
    it; a finding is right if it overlaps a span. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval pii presidio_synth_dev.json
    """
    samples = read_benchmark(file, parse_annotated_texts)
    report_measures(measure_detection(samples), as_json=json_output)


def measure_format_parsing(folder: DataFolder, *, json_output: Json = False) -> None:
    """Measure, for each transcript format, how accurately turns and speakers are parsed.

    Prints the share of words with the right speaker, of turns with the right start (20 ms), and of
    words kept; how alike three transcripts of the same talks are; and how far captions are read as
    another WebVTT parser reads them. Writes `.onrecord/eval/formats*.json`. Exit code 1 if a goal
    is missed.

    Examples of use:

        onrecord eval formats ../shared/data
    """
    report_measures(measure_formats(folder, _print_unknown), as_json=json_output)


def update_figures_page(file: Page, *, json_output: Json = False) -> None:
    """Write the measured figures into a Markdown page, between its markers.

    Examples of use:

        onrecord eval page docs/evaluation.md
    """
    update_page(file, find_measures_folder())
    if json_output:
        print_json({"page": str(file)})


def _print_unknown(file: Path) -> None:
    err.print(f"passed over, as its turns are not known: {file}", style="dim", markup=False)


def _read_interviews(folder: Path) -> InterviewFolder:
    read = read_interviews(folder)
    for name in read.skipped:
        err.print(f"passed over: {name}", style="dim", markup=False)
    return read
