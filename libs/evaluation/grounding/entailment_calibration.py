"""Set an entailment model's thresholds on labelled pairs, and open a model that has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from entailment import (
    EntailmentModel,
    NoteScore,
    is_undecided_by_rules,
    open_calibrated_model,
    score_notes,
)
from entailment.calibration import LabelledScore, compute_thresholds
from entailment.errors import CalibrationError
from entailment.files import read_model_folder
from entailment.onnx_scorer import OnnxScorer
from entailment.thresholds import Thresholds, write_thresholds
from evaluation.errors import EvaluationError, InputError
from evaluation.grounding.pairs import LabelledPair
from grounding.assessment import CheckedNote, check_note
from grounding.syntax.clauses import SyntaxParser
from onnx_models import ModelError


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """Thresholds that were set, and what they were set on.

    Attributes:
        thresholds: as they were written.
        file: where they were written.
        model: the model's name.
        pairs: how many pairs there were.
        decided: those that the checks refuse or a rule vouches for; the model is not asked.
        unread: those of which the model cannot read a whole sentence.
        notes_per_s: notes that the model scored in a second of CPU time.
    """

    thresholds: Thresholds
    file: Path
    model: str
    pairs: int
    decided: int
    unread: int
    notes_per_s: float


def open_calibrated(folder: Path) -> EntailmentModel:
    """Load a model with its thresholds.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    try:
        return open_calibrated_model(folder)
    except ModelError as error:
        raise InputError(str(error)) from error


def calibrate_model(
    pairs: Sequence[LabelledPair],
    folder: Path,
    *,
    false_rate: float,
    parse: SyntaxParser | None = None,
) -> CalibrationReport:
    """Score the pairs that code leaves undecided, and write thresholds beside the model.

    Args:
        pairs: true and false ones.
        folder: the model's.
        false_rate: the share of wrong ones that each threshold may decide, from 0 to 1.
        parse: the parser of the heavy mode; None for the light one.

    Raises:
        InputError: the model cannot be used, or its folder not be written to.
        EvaluationError: the pairs allow no threshold; none is written.
    """
    try:
        model = read_model_folder(folder)
        scorer = OnnxScorer(model)
        checked = [(pair, check_note(pair.draft, pair.chunk, parse)) for pair in pairs]
        asked = [(pair, note) for pair, note in checked if is_undecided_by_rules(note)]
        begin = process_time()
        scores = [_score_note(note, pair, scorer) for pair, note in asked]
        seconds = process_time() - begin
        labelled = [
            LabelledScore(score.score, pair.is_true)
            for (pair, _), score in zip(asked, scores, strict=True)
            if score is not None
        ]
        thresholds = compute_thresholds(labelled, false_rate=false_rate, files=model.hashes)
        file = write_thresholds(thresholds, folder)
    except CalibrationError as error:
        raise EvaluationError(str(error)) from error
    except ModelError as error:
        raise InputError(str(error)) from error
    return CalibrationReport(
        thresholds=thresholds,
        file=file,
        model=scorer.name,
        pairs=len(pairs),
        decided=len(pairs) - len(asked),
        unread=len(asked) - len(labelled),
        notes_per_s=len(asked) / seconds if seconds else 0.0,
    )


def _score_note(note: CheckedNote, pair: LabelledPair, scorer: OnnxScorer) -> NoteScore | None:
    (score,) = score_notes([note], pair.chunk, scorer)
    return score
