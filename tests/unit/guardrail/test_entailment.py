"""An operator's entailment model decides notes that the checks leave undecided."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.errors import BugTriggeredByMessageError
from contracts.events import NotesValidated
from contracts.notes import Standing, VoucherKind
from contracts.study import PersonalData
from entailment import (
    NOT_ENTAILED_BY_MODEL,
    EntailmentModel,
    notes,
    onnx_scorer,
    open_calibrated_model,
)
from entailment.files import ModelFolder
from grounding import CheckedNote
from grounding.uncertainty import classify_uncertainty
from guardrail import domain
from guardrail.domain import AssessmentOptions, assess_draft, build_result_events
from guardrail.policy import CheckPolicy, FailedCheckAction
from guardrail.settings import GuardrailSettings
from onnx_models import ScoreError, text_model
from support.stove_talk import FALSE, TRUE, UNCLEAR, VERBATIM, draft_of, write_stove_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stove_model(tmp_path_factory.mktemp("stove"))


def validate(folder: Path, *statements: str, policy: CheckPolicy | None = None) -> NotesValidated:
    draft = draft_of(*statements)
    checked = assess_draft(draft, AssessmentOptions(entailment=folder))
    (event,) = build_result_events(draft, checked, policy or CheckPolicy(), replays=0)
    assert isinstance(event, NotesValidated)
    return event


def test_notes_go_on_with_the_models_word_and_refuted_ones_beside_them(folder: Path) -> None:
    event = validate(folder, TRUE, UNCLEAR, VERBATIM, FALSE)
    confirmed, unclear, verbatim = event.notes
    assert [one.standing for one in event.notes] == [
        Standing.CONFIRMED,
        Standing.UNPROVEN,
        Standing.VERBATIM,
    ]
    assert [one.kind for one in confirmed.vouchers] == [VoucherKind.ENTAILMENT]
    assert [one.kind for one in verbatim.vouchers] == [VoucherKind.RULE]
    # A confirmed note is not flagged for its own words; one that nobody vouches for is.
    assert not confirmed.flags
    assert [one.check for one in unclear.flags] == ["own_words"]
    [refuted] = event.rejected
    assert refuted.draft.statement == FALSE
    assert [one.check for one in refuted.failures] == [NOT_ENTAILED_BY_MODEL]


def test_without_a_model_the_same_notes_stay_unproven() -> None:
    assert {one.standing for one in assess_draft(draft_of(TRUE, FALSE))} == {Standing.UNPROVEN}


def test_a_policy_may_flag_what_the_model_refutes_and_it_stays_unproven(folder: Path) -> None:
    policy = CheckPolicy({NOT_ENTAILED_BY_MODEL: FailedCheckAction.FLAG})
    [note] = validate(folder, FALSE, policy=policy).notes
    assert (note.standing, note.vouchers) == (Standing.UNPROVEN, ())
    assert [one.check for one in note.flags] == [NOT_ENTAILED_BY_MODEL]


def test_the_judge_is_asked_about_what_lies_between_the_thresholds_only(folder: Path) -> None:
    checked = assess_draft(draft_of(TRUE, FALSE, UNCLEAR), AssessmentOptions(entailment=folder))
    assert [classify_uncertainty(one) is not None for one in checked] == [False, False, True]


def test_the_model_reads_what_was_said_and_its_reasons_are_masked(folder: Path) -> None:
    options = AssessmentOptions(PersonalData.MASK, entailment=folder)
    true, false = assess_draft(draft_of(TRUE, FALSE), options)
    assert true.standing is Standing.CONFIRMED
    assert "Ben" not in true.statement
    [failure] = false.failures
    assert failure.claim.endswith(" steals the gas for it from a villager.")
    assert "Ben" not in failure.claim + failure.evidence + failure.reason


def test_a_score_that_is_no_number_sets_the_draft_aside_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_calibrated_model(folder)

    def fail(*_: object) -> tuple[CheckedNote, ...]:
        raise ScoreError(f"{model.scorer.name} gave a score that is no number")

    monkeypatch.setattr(domain, "decide_notes_by_entailment", fail)
    with pytest.raises(BugTriggeredByMessageError) as caught:
        assess_draft(draft_of(TRUE), AssessmentOptions(entailment=folder))
    assert "no number" in str(caught.value.__cause__)


def set_folder(monkeypatch: pytest.MonkeyPatch, folder: Path | str) -> GuardrailSettings:
    monkeypatch.setenv("GUARDRAIL_ENTAILMENT", str(folder))
    return GuardrailSettings()


def test_the_folder_is_an_option_of_assessing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set_folder(monkeypatch, folder).assessment_options.entailment == folder
    assert set_folder(monkeypatch, "").assessment_options.entailment is None


def test_a_model_that_cannot_be_used_is_reported_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError, match="there is no such folder"):
        set_folder(monkeypatch, tmp_path / "nowhere")
    folder = write_stove_model(tmp_path / "stove")
    set_folder(monkeypatch, folder)
    with monkeypatch.context() as patch:
        patch.setattr(text_model, "PACKAGES", ("a_package_that_nobody_has",))
        with pytest.raises(ValidationError, match=r"install onrecord\[entailment\]"):
            set_folder(monkeypatch, folder)
    write_stove_model(tmp_path / "other", classes=2)
    (tmp_path / "other" / "model.onnx").rename(folder / "model.onnx")
    with pytest.raises(ValidationError, match=r"set for other files than model.onnx in this fold"):
        set_folder(monkeypatch, folder)
    (folder / "thresholds.json").unlink()
    with pytest.raises(ValidationError, match="there is no thresholds"):
        set_folder(monkeypatch, folder)


def test_settings_that_are_read_again_do_not_load_the_same_files_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_stove_model(tmp_path)
    loaded = []

    class CountingScorer(onnx_scorer.OnnxScorer):
        def __init__(self, model: ModelFolder) -> None:
            loaded.append(model.name)
            super().__init__(model)

    monkeypatch.setattr(notes, "OnnxScorer", CountingScorer)
    for _ in range(2):
        set_folder(monkeypatch, folder)
    write_stove_model(folder, classes=2)
    set_folder(monkeypatch, folder)
    assert len(loaded) == len(set(loaded)) == 2


def test_a_model_is_loaded_once_for_all_drafts(folder: Path) -> None:
    first: EntailmentModel = open_calibrated_model(folder)
    assess_draft(draft_of(TRUE), AssessmentOptions(entailment=folder))
    assert open_calibrated_model(folder) is first
