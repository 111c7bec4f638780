"""Thresholds of a model's scores, kept beside it with the hashes of its files."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from entailment.errors import ThresholdsError
from entailment.files import ModelFolder

THRESHOLDS_FILE: Final = "thresholds.json"
_VERSION: Final = 1

Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ScoreDecision(StrEnum):
    """Decision about a note by its score: confirmed, undecided or refuted."""

    CONFIRMED = "confirmed"
    UNDECIDED = "undecided"
    REFUTED = "refuted"


class DecisionCounts(BaseModel):
    """Number of labelled pairs that a threshold decides, and how many of them wrongly."""

    model_config = ConfigDict(frozen=True)

    decided: int = 0
    wrong: int = 0


class Thresholds(BaseModel):
    """Upper and lower score threshold of an entailment model, with its calibration data.

    Attributes:
        version: of the file's form.
        confirm_from: the least score that confirms a note; None if none does.
        refute_below: a note with a lower score is refuted; None if none is.
        false_rate: the share of wrong ones that each side was allowed on the labelled pairs.
        confirmed: the pairs from `confirm_from` on; wrong are those that are false.
        refuted: the pairs below `refute_below`; wrong are those that are true.
        true: true pairs that were scored.
        false: false pairs that were scored.
        files: the SHA-256 of each of the model's files, by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(_VERSION, ge=_VERSION, le=_VERSION)
    confirm_from: Score | None
    refute_below: Score | None
    false_rate: Score
    confirmed: DecisionCounts = DecisionCounts()
    refuted: DecisionCounts = DecisionCounts()
    true: int = 0
    false: int = 0
    files: Mapping[str, str]

    @model_validator(mode="after")
    def _are_apart(self) -> Self:
        low, high = self.refute_below, self.confirm_from
        if low is not None and high is not None and low > high:
            raise ValueError("refute_below is above confirm_from")
        return self

    def decide(self, score: float) -> ScoreDecision:
        """Return what a note's score decides."""
        if self.confirm_from is not None and score >= self.confirm_from:
            return ScoreDecision.CONFIRMED
        if self.refute_below is not None and score < self.refute_below:
            return ScoreDecision.REFUTED
        return ScoreDecision.UNDECIDED


def read_thresholds(model: ModelFolder) -> Thresholds:
    """Read the thresholds of a model from the file in its folder.

    Raises:
        ThresholdsError: there are none, they cannot be read, or a file of the model has changed
            since they were set.
    """
    file = model.folder / THRESHOLDS_FILE
    again = f"set them by: onrecord eval calibrate PAIRS --model {model.folder}"
    if not file.is_file():
        raise ThresholdsError(f"{model.folder}: there is no {THRESHOLDS_FILE}; {again}")
    try:
        read = Thresholds.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise ThresholdsError(f"{file}: {where}: {first['msg']}; {again}") from error
    except OSError as error:
        raise ThresholdsError(f"{file}: cannot be read: {error.strerror}") from error
    names = {*read.files, *model.hashes}
    changed = sorted(name for name in names if read.files.get(name) != model.hashes.get(name))
    if changed:
        raise ThresholdsError(
            f"{file}: set for other files than {', '.join(changed)} in this folder; {again}"
        )
    return read


def write_thresholds(thresholds: Thresholds, folder: Path) -> Path:
    """Write thresholds to the file in their model's folder; return the file's path.

    Raises:
        ThresholdsError: it cannot be written.
    """
    file = folder / THRESHOLDS_FILE
    try:
        file.write_text(thresholds.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ThresholdsError(f"{file}: cannot be written: {error.strerror}") from error
    return file
