"""Notes checked against what was said, beside the same with parsing and with an entailment model.

The notes are the project's labelled pairs (``libs/evaluation/pairs/developed.jsonl``). A draft's
text is new to the guardrail, so each pair counts the first time it is checked; pairs before them
have filled the caches that outlive a draft. The entailment model is a transformer of MiniLM-L6's
sizes with random weights: what it decides is chance, what it costs is not. Its threshold is the
median of its scores, so that it confirms half of the notes. The same model is measured with 8-bit
weights, as an operator may export it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.harness import ROOT, Figures, Lab, Result, at_least
from contracts.events import ChunkReady
from contracts.notes import DraftNote
from entailment import (
    EntailmentModel,
    decide_notes_by_entailment,
    is_undecided_by_rules,
    score_notes,
)
from entailment.files import read_model_folder
from entailment.onnx_scorer import OnnxScorer
from entailment.thresholds import Thresholds
from evaluation.grounding.pairs import LabelledPair, read_pairs
from grounding import CheckedNote, check_note
from grounding.syntax.spacy_parser import load_spacy_parser
from spacy_models import is_spacy_installed
from support.entailment_models import MINI_LM, write_quantised, write_transformer

WITHOUT_BROKER: Final = True

GOAL: Final = 200.0
"""Notes a second and core, with the checks that need no parser."""
ENTAILMENT_GOAL: Final = 20.0
"""The same with an entailment model of 22 million parameters, for the notes it is asked about."""
PAIRS: Final = ROOT / "libs" / "evaluation" / "pairs" / "developed.jsonl"
DATA: Final = ROOT.parent / "shared" / "data"
WARM_UP: Final = 40
MOST_SCORED: Final = 60
"""Notes that the entailment model is asked about."""

Draft = tuple[ChunkReady, Sequence[DraftNote]]
Check = Callable[[DraftNote, ChunkReady], CheckedNote]


async def measure(lab: Lab) -> Result:
    """Notes a second of CPU time."""
    pairs = read_pairs(PAIRS, DATA).pairs
    warm_up, measured = pairs[:WARM_UP], pairs[WARM_UP:]
    measured = measured[: lab.scaled(len(measured), least=10)]
    light = _measure_checks(_by_passage(warm_up), _by_passage(measured), check_note)
    sides: dict[str, Figures] = {"light": light}
    notes = [f"{len(measured)} notes, checked for the first time each; CPU time of one core"]
    if is_spacy_installed():
        parse = load_spacy_parser()

        def check_heavily(note: DraftNote, chunk: ChunkReady) -> CheckedNote:
            return check_note(note, chunk, parse)

        sides["heavy"] = _measure_checks(_by_passage(warm_up), _by_passage(measured), check_heavily)
    else:
        notes.append("the extra heavy-grounding is not installed: heavy is not measured")
    shortfalls: tuple[str, ...] = ()
    if find_spec("onnxruntime") is None:
        notes.append("the extra entailment is not installed: no model is measured")
    else:
        with TemporaryDirectory() as folder:
            whole = write_transformer(Path(folder) / "whole", MINI_LM)
            small = write_quantised(whole, Path(folder) / "8-bit")
            scorers = [OnnxScorer(read_model_folder(one)) for one in (whole, small)]
        name = "entailment, 22.7 M parameters"
        sides[name], sides[f"{name}, 8 bits"] = _measure_entailment(measured, scorers)
        rate = float(sides[name]["notes_per_s"])
        shortfalls = at_least("notes a second by the entailment model", rate, ENTAILMENT_GOAL)
    return Result(
        figure=float(light["notes_per_s"]),
        goal=GOAL,
        better="higher",
        unit="notes a second of CPU time, light",
        sides=sides,
        shortfalls=shortfalls,
        notes=tuple(notes),
    )


def _by_passage(pairs: Iterable[LabelledPair]) -> list[Draft]:
    """Return pairs as drafts: the notes on a passage, one after another, are checked together."""
    groups = (list(group) for _, group in groupby(pairs, lambda one: one.chunk.chunk_id))
    return [(group[0].chunk, [one.draft for one in group]) for group in groups]


def _measure_checks(warm_up: Sequence[Draft], drafts: Sequence[Draft], check: Check) -> Figures:
    for chunk, notes in warm_up:
        for note in notes:
            check(note, chunk)
    seconds: list[float] = []
    for chunk, notes in drafts:
        for note in notes:
            begin = time.process_time()
            check(note, chunk)
            seconds.append(time.process_time() - begin)
    return _figures(seconds)


def _measure_entailment(
    pairs: Sequence[LabelledPair], scorers: Sequence[OnnxScorer]
) -> list[Figures]:
    """Measure what models add for each note that they are asked about, batched by draft.

    Returns:
        For each model the notes a second that it decides, the same with all windows scored, and
        the share of notes about which it decides as the first one does.
    """
    drafts: list[tuple[list[CheckedNote], ChunkReady]] = []
    for chunk, notes in _by_passage(pairs):
        undecided = [
            one for one in (check_note(note, chunk) for note in notes) if is_undecided_by_rules(one)
        ]
        drafts.append((undecided, chunk))
        if sum(len(asked) for asked, _ in drafts) >= MOST_SCORED:
            break
    first: list[CheckedNote] = []
    figures: list[Figures] = []
    for scorer in scorers:
        begin = time.process_time()
        scores = [one for asked, chunk in drafts for one in score_notes(asked, chunk, scorer)]
        all_windows = time.process_time() - begin
        middle = median(one.score for one in scores if one is not None)
        thresholds = Thresholds(confirm_from=middle, refute_below=None, false_rate=0.5, files={})
        model = EntailmentModel(scorer, thresholds)
        begin = time.process_time()
        decided = [
            one
            for asked, chunk in drafts
            for one in decide_notes_by_entailment(asked, chunk, model)
        ]
        took = time.process_time() - begin
        first = first or decided
        alike = sum(
            one.standing is other.standing for one, other in zip(decided, first, strict=True)
        )
        figures.append(
            {
                "notes_per_s": round(len(decided) / took, 1),
                "notes_per_s_all_windows": round(len(scores) / all_windows, 1),
                "notes": len(decided),
                "as_the_first": round(alike / len(decided), 3),
            }
        )
    return figures


def _figures(seconds: Sequence[float]) -> Figures:
    slowest = sorted(seconds)
    return {
        "notes_per_s": round(len(seconds) / sum(seconds), 1),
        "median_ms": round(1000 * slowest[len(slowest) // 2], 2),
        "p99_ms": round(1000 * slowest[int(len(slowest) * 0.99)], 2),
    }
