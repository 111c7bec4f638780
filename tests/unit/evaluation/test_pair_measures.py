"""What is measured on labelled pairs: shares with intervals, counts by kind and standing, odds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.notes import DraftEvidence, DraftNote, Standing
from evaluation.grounding import pair_measures
from evaluation.grounding.check_odds import MIN_CAUGHT, VETOES, count_odds, measure_veto_odds
from evaluation.grounding.dialogues import THEME, build_document_chunk, split_turns
from evaluation.grounding.pair_measures import measure_pairs
from evaluation.grounding.pair_verdicts import PairVerdict, check_pairs
from evaluation.grounding.pairs import LabelledPair
from evaluation.intervals import compute_wilson_interval
from evaluation.modes import CheckMode
from grounding.checks import INJECTION_CHECK_NAMES

LIGHT = {CheckMode.LIGHT: None}
_CHUNK = build_document_chunk(
    split_turns("Ann: What do you pay?\nTom: We pay forty dollars a month for the two of us.")
)


def _pair(
    summary: str = "We pay forty dollars.", *, true: bool = True, kinds: tuple[str, ...] = ("x",)
) -> LabelledPair:
    cited = tuple(DraftEvidence(segment=one.number) for one in _CHUNK.segments)
    draft = DraftNote(statement=summary, evidence=cited, themes=(THEME.id,))
    return LabelledPair("line 1", _CHUNK, draft, true, kinds)


def _verdict(
    standing: Standing, *checks: str, true: bool = True, kinds: tuple[str, ...] = ("x",)
) -> PairVerdict:
    return PairVerdict(_pair(true=true, kinds=kinds), standing, checks)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the verdicts that checking the pairs gives."""

    def give(*verdicts: PairVerdict) -> None:
        monkeypatch.setattr(pair_measures, "check_pairs", lambda *_: list(verdicts))

    return give


def test_a_note_that_fails_a_check_is_refuted_and_not_shown() -> None:
    [verdict] = check_pairs([_pair("Tom pays fifty dollars a month.", true=False)])
    assert verdict.is_refused
    assert not verdict.is_shown
    assert "number_not_in_evidence" in verdict.failed_checks


def test_a_note_in_the_speakers_own_words_is_shown() -> None:
    pair = _pair("We pay forty dollars a month for the two of us.")
    answer = replace(
        pair, draft=pair.draft.model_copy(update={"evidence": (DraftEvidence(segment=2),)})
    )
    [verdict] = check_pairs([answer])
    assert verdict.standing is Standing.VERBATIM
    assert verdict.is_shown


@pytest.mark.parametrize("standing", Standing)
def test_shown_are_the_standings_that_something_vouches_for(standing: Standing) -> None:
    expected = standing not in {Standing.UNPROVEN, Standing.REFUTED}
    assert _verdict(standing).is_shown is expected


def test_of_what_is_shown_the_false_share_counts(given: Callable[..., None]) -> None:
    given(
        *[_verdict(Standing.PROVEN)] * 6,
        *[_verdict(Standing.VERBATIM)] * 2,
        *[_verdict(Standing.PROVEN, true=False, kinds=("tense", "cause"))] * 2,
        *[_verdict(Standing.UNPROVEN)] * 5,
        *[_verdict(Standing.UNPROVEN, true=False, kinds=("cause",))] * 3,
        *[_verdict(Standing.REFUTED, "tense_differs", true=False, kinds=("tense",))] * 4,
    )
    false, true, _ = measure_pairs({"all": []}, LIGHT).measures
    assert (false.name, false.figure, false.holds) == ("pairs-shown-false", 0.2, False)
    assert (true.name, true.holds) == ("pairs-true-shown", True)
    assert true.figure == pytest.approx(8 / 13)
    low, high = compute_wilson_interval(2, 10)
    assert false.sides["all"] == {
        "false share": 0.2,
        "low": low,
        "high": high,
        "false shown": 2,
        "pairs": 22,
        "shown": 10,
        "refused": 4,
        "unproven": 8,
    }
    assert false.sides["tense"] == {"pairs": 6, "shown": 2, "refused": 4, "unproven": 0}
    assert false.sides["cause"] == {"pairs": 5, "shown": 2, "refused": 0, "unproven": 3}
    assert true.sides["standing: proven"]["share true"] == 0.75
    assert true.sides["standing: unproven"]["false"] == 3
    assert "standing: confirmed" not in true.sides


def test_a_kind_of_true_and_of_false_notes_is_counted_apart(given: Callable[..., None]) -> None:
    given(_verdict(Standing.PROVEN), _verdict(Standing.REFUTED, true=False))
    sides = measure_pairs({"all": []}, LIGHT).measures[0].sides
    assert (sides["x (true)"]["shown"], sides["x (false)"]["shown"]) == (1, 0)


def test_where_nothing_is_shown_that_is_said(given: Callable[..., None]) -> None:
    given(_verdict(Standing.UNPROVEN), _verdict(Standing.UNPROVEN, true=False))
    report = measure_pairs({"all": []}, LIGHT)
    assert "nothing is shown as a statement, so no share of it is false" in report.remarks
    assert [one.figure for one in report.measures] == [0.0, 0.0]
    assert "false share" not in report.measures[0].sides["all"]


@pytest.mark.parametrize("is_true", [True, False])
def test_what_pairs_of_one_label_cannot_tell_is_not_measured(
    given: Callable[..., None], *, is_true: bool
) -> None:
    given(_verdict(Standing.PROVEN, true=is_true))
    report = measure_pairs({"all": []}, LIGHT)
    expected = "pairs-true-shown" if is_true else "pairs-shown-false"
    assert [one.name for one in report.measures] == [expected]
    assert any("is not measured" in one for one in report.remarks)


def test_goals_are_held_to_the_first_set_and_the_others_stand_beside() -> None:
    held_out = [_pair("Tom pays fifty dollars.", true=False), _pair()]
    developed = [_pair("Tom pays fifty dollars.", true=False)] * 3
    report = measure_pairs({"held out": held_out, "developed on": developed}, LIGHT)
    rows = report.measures[0].sides
    assert (rows["held out"]["pairs"], rows["developed on"]["pairs"]) == (2, 3)
    assert len(report.verdicts) == 2


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_no_more_examples_are_quoted_than_asked_for(given: Callable[..., None], limit: int) -> None:
    given(
        *[_verdict(Standing.PROVEN, true=False)] * 2,
        *[_verdict(Standing.REFUTED, "tense_differs")] * 3,
    )
    false, true, _ = measure_pairs({"all": []}, LIGHT, limit).measures
    assert len(false.notes) == min(limit, 2)
    assert len(true.notes) == min(limit, 3)
    if limit:
        assert true.notes[0] == (
            "true, but refused: line 1, x, refuted, tense_differs: “We pay forty dollars.”"
        )


def test_odds_are_the_share_of_false_notes_caught_by_that_of_true_ones_refused() -> None:
    verdicts = [
        *[_verdict(Standing.REFUTED, "tense_differs")] * 1,
        *[_verdict(Standing.PROVEN)] * 99,
        *[_verdict(Standing.REFUTED, "tense_differs", "rate_differs", true=False)] * 10,
        *[_verdict(Standing.PROVEN, true=False)] * 40,
    ]
    [tense, rate] = count_odds(verdicts)
    assert (tense.check, rate.check) == ("tense_differs", "rate_differs")
    assert tense.odds == pytest.approx(0.2 / 0.01)
    assert rate.odds == pytest.approx(0.2 / 0.005)


@pytest.mark.parametrize(
    ("check", "caught", "figure"),
    [
        ("tense_differs", 10, 2.0),
        ("tense_differs", 9, 1.0),  # not enough to tell, so of all vetoes together
        ("quantifier_differs", 50, 0.0),  # no veto, and the vetoes caught nothing
    ],
)
def test_only_vetoes_that_caught_enough_are_held_to_the_goal_each(
    check: str, caught: int, figure: float
) -> None:
    verdicts = [
        *[_verdict(Standing.REFUTED, check)] * 5,
        *[_verdict(Standing.PROVEN)] * 5,
        *[_verdict(Standing.REFUTED, check, true=False)] * caught,
    ]
    if caught < MIN_CAUGHT:
        verdicts += [_verdict(Standing.PROVEN, true=False)] * caught
    measure = measure_veto_odds(verdicts, "light")
    assert measure is not None
    assert measure.figure == pytest.approx(figure)
    assert not measure.holds
    row = check if check == "quantifier_differs" else f"{check} (veto)"
    assert measure.sides[row]["true refused"] == 5
    assert measure.sides[row]["false caught"] == caught


def test_all_vetoes_together_count_a_note_once() -> None:
    verdicts = [
        _verdict(Standing.REFUTED, "tense_differs", "rate_differs", true=False),
        _verdict(Standing.PROVEN),
    ]
    measure = measure_veto_odds(verdicts, "light")
    assert measure is not None
    assert measure.sides["all vetoes together"]["false caught"] == 1


def test_vetoes_are_the_checks_that_are_to_be_precise() -> None:
    named = INJECTION_CHECK_NAMES | {
        *("no_evidence", "unknown_segment", "quote_not_found", "told_as_fact", "tense_differs"),
        *("said_by_another", "rate_differs", "number_not_in_evidence"),
    }
    assert named <= VETOES
    assert {"quantifier_differs", "content_not_in_evidence", "negation_mismatch"}.isdisjoint(VETOES)


def test_odds_need_true_notes_and_false_ones() -> None:
    assert count_odds([_verdict(Standing.REFUTED, "tense_differs")]) == []
    assert count_odds([]) == []


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    # The last one is worked out in Newcombe, Statistics in Medicine 17 (1998), table I.
    assert compute_wilson_interval(part, whole) == pytest.approx((low, high), abs=5e-5)
