"""An entailment model is loaded once in each assessing process, within its limits."""

from __future__ import annotations

from multiprocessing import forkserver
from pathlib import Path

import pytest

from contracts.notes import Standing
from contracts.topics import MIB
from entailment import is_undecided_by_rules
from entailment.calibration import LabelledScore, compute_thresholds
from entailment.files import read_model_folder
from entailment.thresholds import write_thresholds
from guardrail.assessors import run_assessor_pool
from guardrail.domain import AssessmentOptions, assess_draft
from guardrail.settings import GuardrailSettings
from processes import TaskLimits, TooCostlyError
from support.entailment_models import Sizes, write_transformer
from support.stove_talk import FALSE, TRUE, UNCLEAR, draft_of, write_stove_model

MEDIUM = Sizes(layers=2, hidden=256, heads=4, words=30_000)
"""37 MB of weights."""

MANY = draft_of(*(f"{TRUE} Also {'really ' * at}so." for at in range(1, 40)))


def worker_processes() -> set[str]:
    """Ids of the processes that the fork server of this one has running (Linux)."""
    forkserver.ensure_running()
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # private
    return set(Path(f"/proc/{server}/task/{server}/children").read_text().split())


def write_medium_model(folder: Path) -> Path:
    write_transformer(folder, MEDIUM)
    scores = [LabelledScore(1.0, is_true=True), LabelledScore(0.0, is_true=False)]
    files = read_model_folder(folder).hashes
    write_thresholds(compute_thresholds(scores, false_rate=0.01, files=files), folder)
    return folder


async def test_a_process_decides_as_this_one_does(tmp_path: Path) -> None:
    settings = GuardrailSettings(processes=1, entailment=write_stove_model(tmp_path))
    options = settings.assessment_options
    draft = draft_of(TRUE, UNCLEAR, FALSE)
    async with run_assessor_pool(processes=1, limits=settings.limits, options=options) as assess:
        checked = await assess(draft)
    assert checked == assess_draft(draft, options)
    assert [one.standing for one in checked[:2]] == [Standing.CONFIRMED, Standing.UNPROVEN]


async def test_a_process_loads_a_model_before_drafts_and_keeps_it(tmp_path: Path) -> None:
    options = AssessmentOptions(entailment=write_medium_model(tmp_path))
    # What a draft may leave behind is a quarter of the bound: the model would be more.
    limits = TaskLimits(timeout_s=60, cpu_s=30, memory_bytes=128 * MIB)
    before = worker_processes()
    async with run_assessor_pool(processes=1, limits=limits, options=options) as assess:
        await assess(draft_of(TRUE))
        started = worker_processes() - before
        await assess(MANY)
        await assess(draft_of(FALSE))
        assert len(started) == 1
        assert worker_processes() - before == started


async def test_a_draft_that_takes_too_much_memory_to_score_is_refused(tmp_path: Path) -> None:
    options = AssessmentOptions(entailment=write_medium_model(tmp_path))
    limits = TaskLimits(timeout_s=60, cpu_s=30, memory_bytes=4 * MIB)
    assert sum(map(is_undecided_by_rules, assess_draft(MANY))) == len(MANY.notes)
    async with run_assessor_pool(processes=1, limits=limits, options=options) as assess:
        with pytest.raises(TooCostlyError):
            await assess(MANY)
