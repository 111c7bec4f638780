"""Thresholds keep a stated false rate on labelled scores, and belong to one model's files."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from entailment.calibration import LabelledScore, compute_thresholds
from entailment.errors import CalibrationError, ThresholdsError
from entailment.files import read_model_folder
from entailment.thresholds import (
    THRESHOLDS_FILE,
    ScoreDecision,
    Thresholds,
    read_thresholds,
    write_thresholds,
)
from support.entailment_models import write_constant_model, write_options


def labelled(true: Iterable[float], false: Iterable[float]) -> list[LabelledScore]:
    return [
        *(LabelledScore(one, is_true=True) for one in true),
        *(LabelledScore(one, is_true=False) for one in false),
    ]


def set_on(scores: list[LabelledScore], rate: float = 0.01) -> Thresholds:
    return compute_thresholds(scores, false_rate=rate, files={"model.onnx": "0"})


def test_both_thresholds_stay_at_scores_that_were_seen() -> None:
    found = set_on(labelled([0.5, 0.8, 0.9], [0.1, 0.2, 0.7]))
    assert found.confirm_from == 0.8
    assert (found.confirmed.decided, found.confirmed.wrong) == (2, 0)
    assert (found.refuted.decided, found.refuted.wrong) == (2, 0)
    decisions = [found.decide(one) for one in (0.0, 0.2, 0.2001, 0.7999, 0.8, 1.0)]
    undecided = [ScoreDecision.UNDECIDED] * 2
    assert decisions == [*[ScoreDecision.REFUTED] * 2, *undecided, *[ScoreDecision.CONFIRMED] * 2]


def test_a_rate_lets_some_wrong_ones_through_and_no_more() -> None:
    true, false = [0.9] * 95 + [0.3] * 5, [0.95] * 2 + [0.1] * 50
    assert set_on(labelled(true, false), 0.03).confirmed.wrong == 2
    assert set_on(labelled(true, false), 0.01).confirm_from is None
    assert set_on(labelled(true, false), 0.01).refuted.decided == 50


def test_equal_scores_stay_on_one_side() -> None:
    found = set_on(labelled([0.9, 0.6], [0.6, 0.1]))
    assert found.confirm_from == 0.9
    assert found.refuted.decided == 1


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.1, 0.5])
def test_on_any_scores_neither_side_is_wrong_oftener_than_the_rate(rate: float) -> None:
    draw = random.Random(5)
    for _ in range(200):
        scores = [
            LabelledScore(round(min(1, max(0, draw.gauss(0.4 + 0.3 * is_true, 0.3))), 2), is_true)
            for is_true in (draw.random() < 0.4 for _ in range(60))
        ]
        try:
            found = set_on(scores, rate)
        except CalibrationError:
            continue
        for decision, right in ((ScoreDecision.CONFIRMED, True), (ScoreDecision.REFUTED, False)):
            part = [one for one in scores if found.decide(one.score) is decision]
            wrong = sum(one.is_true is not right for one in part)
            counts = found.confirmed if right else found.refuted
            assert (len(part), wrong) == (counts.decided, counts.wrong)
            assert wrong <= rate * len(part)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (labelled([], [0.1]), "no true pair is left"),
        (labelled([0.9], []), "no false pair is left"),
        (labelled([], []), "no true pair is left"),
        (labelled([0.1, 0.2], [0.8, 0.9]), "no threshold keeps a false rate of 0.01 on these 4"),
    ],
)
def test_scores_that_allow_no_threshold_are_an_error(
    scores: list[LabelledScore], reason: str
) -> None:
    with pytest.raises(CalibrationError, match=reason):
        set_on(scores)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_options(write_constant_model(tmp_path, [[0.5]]), {"name": "mine"})
    files = read_model_folder(tmp_path).hashes
    found = compute_thresholds(labelled([0.9], [0.1]), false_rate=0.01, files=files)
    assert write_thresholds(found, tmp_path) == tmp_path / THRESHOLDS_FILE
    assert read_thresholds(read_model_folder(tmp_path)) == found
    return tmp_path


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json", "entailment.json"])
def test_thresholds_of_another_file_are_refused(folder: Path, name: str) -> None:
    with (folder / name).open("a") as opened:
        opened.write(" ")
    with pytest.raises(ThresholdsError, match=rf"set for other files than {name} in this folder"):
        read_thresholds(read_model_folder(folder))


def test_a_file_that_came_or_went_is_another_model(folder: Path) -> None:
    (folder / "entailment.json").unlink()
    with pytest.raises(ThresholdsError, match=r"other files than entailment.json.*calibrate"):
        read_thresholds(read_model_folder(folder))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no thresholds.json; set them by: onrecord eval calibrate"),
        ("{", "thresholds.json: JSON: Invalid JSON"),
        ('{"version": 2}', "version: Input should be less"),
        ('{"confirm_from": 1.5}', "confirm_from: Input should be less than or equal to 1"),
        ('{"confirm_from": NaN}', "thresholds.json: "),
    ],
)
def test_thresholds_that_cannot_be_read_say_what_to_do(
    folder: Path, text: str | None, reason: str
) -> None:
    file = folder / THRESHOLDS_FILE
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(ThresholdsError, match=reason):
        read_thresholds(read_model_folder(folder))


def test_thresholds_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="refute_below is above confirm_from"):
        Thresholds(confirm_from=0.1, refute_below=0.2, false_rate=0.01, files={})
