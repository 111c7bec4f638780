"""``onrecord eval paraphrases``: what is shown of notes that a model paraphrased carelessly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.grounding.paraphrase_measures import measure_paraphrases
from evaluation.inputs import read_interviews
from onrecord.console import Json, err
from onrecord.measure_reports import report_measures

Folders = Annotated[list[Path], typer.Argument(help="Folders of transcripts.", show_default=False)]
Seeds = Annotated[int, typer.Option(min=1, help="How many drafts to write on each interview.")]
Examples = Annotated[
    int, typer.Option(min=0, help="False notes shown and true ones refused to quote, of each.")
]


def measure_paraphrased_notes(
    folders: Folders,
    *,
    drafts: Seeds = 3,
    examples: Examples = 0,
    json_output: Json = False,
) -> None:
    """Count how many true and false paraphrases, made by the simulator, the checks accept.

    Half of the notes are false, in 15 known ways, by templates over the interviews' own sentences.
    Each is checked as the guardrail does in its light mode. Prints the share of false ones among
    what readers get as a statement, per kind, and the share of true ones that they get; writes
    `.onrecord/eval/paraphrases-shown-false.json` and `paraphrases-true-shown.json`. A folder that
    is not there is passed over, unless none is. Exit code 1 if a goal is missed.

    Examples of use:

        onrecord eval paraphrases interviews/rev
        onrecord eval paraphrases samples interviews/rev --drafts 5 --examples 10
    """
    present = [folder for folder in folders if folder.is_dir()] or folders
    for folder in folders:
        if folder not in present:
            err.print(f"passed over, as it is not there: {folder}", style="dim", markup=False)
    sources = {folder.name: read_interviews(folder).interviews for folder in present}
    measures = measure_paraphrases(sources, range(drafts), examples)
    report_measures(measures, as_json=json_output)
