"""Notes that code leaves undecided are confirmed, refuted or left alone by a model's score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.events import ChunkReady
from contracts.notes import Standing, VoucherKind
from entailment import (
    NOT_ENTAILED_BY_MODEL,
    EntailmentModel,
    TextPair,
    decide_notes_by_entailment,
    open_calibrated_model,
    score_notes,
)
from grounding.assessment import CheckedNote, check_note
from support.stove_talk import (
    FALSE,
    TALK,
    TRUE,
    UNCLEAR,
    VERBATIM,
    chunk_of,
    note_on,
    write_stove_model,
)


class RecordingScorer:
    """Scorer that passes pairs on to a real one and keeps them."""

    def __init__(self, model: EntailmentModel) -> None:
        self._scorer = model.scorer
        self.calls: list[list[TextPair]] = []
        self.name, self.window_tokens = self._scorer.name, self._scorer.window_tokens
        self.pair_tokens = self._scorer.pair_tokens

    def find_token_ends(self, text: str) -> Sequence[int]:
        return self._scorer.find_token_ends(text)

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        self.calls.append(list(pairs))
        return self._scorer.score(pairs)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EntailmentModel:
    return open_calibrated_model(write_stove_model(tmp_path_factory.mktemp("stove")))


def checked(*statements: str, chunk: ChunkReady = TALK) -> list[CheckedNote]:
    return [check_note(note_on(one), chunk) for one in statements]


def test_a_clear_score_confirms_or_refutes_and_another_leaves_the_note(
    model: EntailmentModel,
) -> None:
    true, false, unclear = decide_notes_by_entailment(checked(TRUE, FALSE, UNCLEAR), TALK, model)
    assert (true.standing, true.failures) == (Standing.CONFIRMED, ())
    [voucher] = true.vouchers
    assert (voucher.kind, voucher.name) == (VoucherKind.ENTAILMENT, model.scorer.name)
    assert f"{model.scorer.name} scored" in voucher.detail
    assert "it confirms from 0.900 on" in voucher.detail
    [failure] = false.failures
    assert failure.check == NOT_ENTAILED_BY_MODEL
    assert failure.claim == FALSE
    assert "it refuses below 0.100" in failure.reason
    assert (unclear.standing, unclear.failures, unclear.vouchers) == (Standing.UNPROVEN, (), ())
    assert true.to_note().standing is Standing.CONFIRMED


def test_the_model_is_asked_once_and_only_about_notes_that_code_leaves_undecided(
    model: EntailmentModel,
) -> None:
    scorer = RecordingScorer(model)
    notes = checked(VERBATIM, TRUE, "Ben pays ninety pounds for the gas.", FALSE)
    assert notes[0].standing is Standing.VERBATIM
    assert notes[2].failures
    decided = decide_notes_by_entailment(notes, TALK, EntailmentModel(scorer, model.thresholds))
    [call] = scorer.calls
    assert {pair.hypothesis for pair in call} == {TRUE, FALSE}
    assert (decided[0], decided[2]) == (notes[0], notes[2])


def test_nothing_is_asked_where_nothing_is_undecided(model: EntailmentModel) -> None:
    scorer = RecordingScorer(model)
    assert decide_notes_by_entailment([], TALK, EntailmentModel(scorer, model.thresholds)) == ()
    assert not scorer.calls


def test_a_statement_counts_as_its_worst_sentence(model: EntailmentModel) -> None:
    notes = checked(f"{TRUE} {FALSE}", f"{FALSE} {TRUE}", TRUE, FALSE)
    scores = score_notes(notes, TALK, model.scorer)
    assert [one.sentence for one in scores if one] == [FALSE, FALSE, TRUE, FALSE]
    assert len({one.score for one in scores if one}) == 2


def test_a_sentence_counts_as_its_best_window(model: EntailmentModel) -> None:
    around = ("Ben", "It rained a lot, and the dog barked at the hens. " * 30)
    chunk = chunk_of(*TALK_TURNS, around)
    scorer = RecordingScorer(model)
    [short], [long] = (
        score_notes([check_note(note_on(TRUE, *cited), chunk)], chunk, scorer)
        for cited in ((2,), (2, 3))
    )
    assert short
    assert long
    assert len(scorer.calls[1]) > 2
    assert long.score > 0.5 * short.score


TALK_TURNS = [(one.speaker, one.text) for one in TALK.segments]


def test_abbreviations_are_no_sentences_of_their_own(model: EntailmentModel) -> None:
    scorer = RecordingScorer(model)
    note = check_note(note_on("Dr. Ben has a stove. Yes. He buys gas. Right."), TALK)
    score_notes([note], TALK, scorer)
    assert [pair.hypothesis for pair in scorer.calls[0]] == [
        "Dr. Ben has a stove.",
        "Yes. He buys gas. Right.",
    ]


def test_a_sentence_that_leaves_no_room_for_what_was_said_is_not_scored(
    model: EntailmentModel,
) -> None:
    long = "Ben has a stove " + "and a stove " * 60 + "in the kitchen."
    notes = checked(long, TRUE)
    assert score_notes(notes, TALK, model.scorer)[0] is None
    # The policy of undecided notes is the guardrail's: here, only that nothing is decided.
    assert decide_notes_by_entailment(notes, TALK, model)[0] == notes[0]


def test_the_thresholds_of_the_folder_decide(tmp_path: Path) -> None:
    folder = write_stove_model(tmp_path, classes=3)
    file = folder / "thresholds.json"
    file.write_text(file.read_text().replace('"confirm_from": 0.9', '"confirm_from": null'))
    (note,) = decide_notes_by_entailment(checked(TRUE), TALK, open_calibrated_model(folder))
    assert (note.standing, note.failures) == (Standing.UNPROVEN, ())
