"""What is measured of judges on labelled pairs, and what is kept between two measurements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.errors import OnrecordError
from contracts.notes import DraftEvidence, DraftNote, Standing
from evaluation.errors import InputError
from evaluation.grounding.dialogues import THEME, build_document_chunk, split_turns
from evaluation.grounding.judge_measures import UNANIMOUS, CountedShare, measure_judges
from evaluation.grounding.judge_votes import (
    JudgeAnswer,
    JudgeVote,
    PairNote,
    VoteFile,
    collect_votes,
)
from evaluation.grounding.pair_verdicts import PairVerdict
from evaluation.grounding.pairs import LabelledPair
from grounding.assessment import check_note
from model_client.errors import BadOutputError, ModelTimeoutError, ModelUnavailableError

_CHUNK = build_document_chunk(split_turns("Ann: What do you pay?\nTom: We pay forty dollars."))
YES = JudgeAnswer(JudgeVote.SUPPORTED, tokens=10, cost_usd=Decimal("0.001"))
NO = JudgeAnswer(JudgeVote.NOT_SUPPORTED, tokens=10, cost_usd=Decimal("0.001"))
NONE = JudgeAnswer(JudgeVote.NO_ANSWER, error="llm_timeout")


def pair(
    summary: str = "We pay forty dollars.", *, true: bool = True, kind: str = "x"
) -> LabelledPair:
    cited = tuple(DraftEvidence(segment=one.number) for one in _CHUNK.segments)
    draft = DraftNote(statement=summary, evidence=cited, themes=(THEME.id,))
    return LabelledPair("line 1", _CHUNK, draft, true, (kind,))


def verdict(
    *, true: bool = True, kind: str = "x", standing: Standing = Standing.UNPROVEN
) -> PairVerdict:
    return PairVerdict(pair(true=true, kind=kind), standing, ())


def test_a_judge_is_scored_by_what_it_supports() -> None:
    verdicts = [*[verdict()] * 4, *[verdict(true=False, kind="number")] * 5]
    score = measure_judges(verdicts, {"a": [YES, YES, NO, NONE, YES, NO, NO, NO, NO]}).scores["a"]
    assert score.true_confirmed == CountedShare(2, 4)
    assert score.false_confirmed == CountedShare(1, 5)
    assert score.confirmed_false == CountedShare(1, 3)
    assert score.balanced_accuracy == pytest.approx((0.5 + 0.8) / 2)
    assert (score.votes.supported, score.votes.not_supported, score.votes.no_answer) == (3, 5, 1)
    assert {kind: (one.pairs, one.supported) for kind, one in score.by_kind.items()} == {
        "x (true)": (4, 2),
        "number (false)": (5, 1),
    }
    assert score.errors == {"llm_timeout": 1}


def test_what_a_judge_refutes_is_counted_apart_from_what_it_does_not_support() -> None:
    refuted = replace(NO, vote=JudgeVote.CONTRADICTED)
    verdicts = [*[verdict()] * 3, *[verdict(true=False)] * 4]
    answers = [YES, refuted, NO, refuted, refuted, NO, NONE]
    score = measure_judges(verdicts, {"a": answers}).scores["a"]
    assert (score.votes.contradicted, score.votes.not_supported) == (3, 2)
    assert score.true_refuted == CountedShare(1, 3)
    assert score.false_refuted == CountedShare(2, 4)
    assert score.with_labels == CountedShare(4, 6)
    assert score.as_json()["contradicted"] == 3


def test_calls_are_told_for_each_passage() -> None:
    shared = replace(YES, calls=0)
    score = measure_judges([verdict()] * 3, {"a": [YES, shared, shared]}).scores["a"]
    assert (score.calls, score.passages, score.calls_per_passage) == (1, 1, 1)


def test_a_judge_is_compared_with_the_checks_where_both_decide() -> None:
    verdicts = [
        verdict(standing=Standing.PROVEN),
        verdict(standing=Standing.VERBATIM),
        verdict(standing=Standing.REFUTED, true=False),
        verdict(standing=Standing.REFUTED, true=False),
        verdict(standing=Standing.PROVEN),
        verdict(standing=Standing.UNPROVEN, true=False),
        verdict(standing=Standing.UNPROVEN),
    ]
    score = measure_judges(verdicts, {"a": [YES, NO, NO, YES, NONE, YES, YES]}).scores["a"]
    assert score.with_checks == CountedShare(2, 4)
    assert score.undecided_confirmed_false == CountedShare(1, 2)


def test_two_judges_are_compared_where_both_answer() -> None:
    votes = {"a": [YES, YES, NO, NO, NONE], "b": [YES, NO, NO, NO, YES], "c": [YES] * 5}
    report = measure_judges([verdict()] * 5, votes)
    first, second, _ = report.agreements
    assert first.judges == ("a", "b")
    assert first.agreed == CountedShare(3, 4)
    assert first.kappa == pytest.approx(0.5)
    assert (second.judges, second.agreed, second.kappa) == (("a", "c"), CountedShare(2, 4), 0)
    alike = measure_judges([verdict()], {"a": [YES], "b": [YES]}).agreements[0]
    assert (alike.agreed.share, alike.kappa) == (1, None)


def test_several_judges_are_a_panel_that_answers_where_all_say_the_same() -> None:
    votes = {"a": [YES, YES, NO, NONE], "b": [YES, NO, NO, YES]}
    verdicts = [verdict(), verdict(true=False), verdict(true=False), verdict()]
    panel = measure_judges(verdicts, votes).scores[UNANIMOUS]
    assert (panel.votes.supported, panel.votes.not_supported, panel.votes.no_answer) == (1, 1, 2)
    assert panel.confirmed_false == CountedShare(0, 1)
    assert (panel.calls, panel.tokens, panel.cost_usd) == (8, 70, Decimal("0.007"))
    assert UNANIMOUS not in measure_judges(verdicts, {"a": votes["a"]}).scores


def test_costs_are_summed_and_unknown_if_one_is() -> None:
    cached = replace(YES, is_cached=True)
    score = measure_judges([verdict()] * 3, {"a": [YES, cached, NONE]}).scores["a"]
    assert (score.cost_usd, score.tokens, score.cached) == (Decimal("0.002"), 20, 1)
    unpriced = replace(YES, cost_usd=None)
    score = measure_judges([verdict()] * 2, {"a": [YES, unpriced]}).scores["a"]
    assert score.cost_usd is None


@dataclass
class ScriptedJudge:
    """A judge that answers as it is set to, and counts how often it is asked."""

    answer: Callable[[LabelledPair], JudgeAnswer]
    name: str = "a"
    asked: list[str] = field(default_factory=list)
    times: int = 0
    most: int = 0
    running: int = 0

    async def __call__(self, notes: Sequence[PairNote]) -> Sequence[JudgeAnswer]:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        self.asked += [checked.draft.statement for _, checked in notes]
        self.times += 1
        return [self.answer(pair) for pair, _ in notes]


def with_checks(one: LabelledPair) -> PairNote:
    return one, check_note(one.draft, one.chunk)


def on_its_own_passage(summary: str) -> PairNote:
    chunk = build_document_chunk(split_turns(f"Ann: What do you pay?\nTom: {summary}"))
    return with_checks(replace(pair(summary), chunk=chunk))


NOTES = [on_its_own_passage(one) for one in ("One.", "Two.", "Three.")]


def raising(error: OnrecordError) -> Callable[[LabelledPair], JudgeAnswer]:
    def answer(_: LabelledPair) -> JudgeAnswer:
        raise error

    return answer


async def test_each_judge_is_asked_about_each_note_and_no_more_at_once_than_allowed() -> None:
    judges = [ScriptedJudge(lambda _: YES), ScriptedJudge(lambda _: NO, name="b")]
    told: list[int] = []
    votes = await collect_votes(judges, NOTES, VoteFile(None), at_once=2, report=told.append)
    assert {name: [one.vote for one in given] for name, given in votes.items()} == {
        "a": [JudgeVote.SUPPORTED] * 3,
        "b": [JudgeVote.NOT_SUPPORTED] * 3,
    }
    assert told == [1, 2, 3, 4, 5, 6]
    assert max(one.most for one in judges) == 2


async def test_notes_on_one_passage_are_asked_about_together_in_the_order_of_the_file() -> None:
    together = [with_checks(one) for one in map(pair, ("One.", "Two.", "Three."))]
    mixed = [together[0], NOTES[0], *together[1:]]
    judge = ScriptedJudge(lambda one: YES if one.draft.statement == "Two." else NO)
    votes = await collect_votes([judge], mixed, VoteFile(None), at_once=1)
    assert judge.times == 2
    assert [one.vote is JudgeVote.SUPPORTED for one in votes["a"]] == [False, False, True, False]


@pytest.mark.parametrize("error", [BadOutputError("What?"), ModelTimeoutError("Late.")])
async def test_a_question_that_is_not_answered_counts_as_such(error: OnrecordError) -> None:
    votes = await collect_votes([ScriptedJudge(raising(error))], NOTES, VoteFile(None), at_once=2)
    assert [(one.vote, one.error) for one in votes["a"]] == [
        (JudgeVote.NO_ANSWER, error.code.value)
    ] * 3


async def test_an_outage_ends_the_measurement_and_keeps_what_was_answered(tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"

    def until_down(one: LabelledPair) -> JudgeAnswer:
        if one.draft.statement == "Two.":
            raise ModelUnavailableError("It is down.")
        return YES

    with pytest.raises(ModelUnavailableError):
        await collect_votes([ScriptedJudge(until_down)], NOTES, VoteFile(file), at_once=1)
    again = ScriptedJudge(lambda _: NO)
    votes = await collect_votes([again], NOTES, VoteFile(file), at_once=1)
    assert again.asked == ["Two.", "Three."]
    assert [(one.vote, one.is_cached) for one in votes["a"]] == [
        (JudgeVote.SUPPORTED, True),
        (JudgeVote.NOT_SUPPORTED, False),
        (JudgeVote.NOT_SUPPORTED, False),
    ]
    assert votes["a"][0].cost_usd == YES.cost_usd


async def test_a_vote_is_of_one_judge_on_one_note_on_one_passage(tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    await collect_votes([ScriptedJudge(lambda _: YES)], NOTES[:1], VoteFile(file), at_once=1)
    kept = VoteFile(file)
    one = NOTES[0][0]
    assert kept.find("a", one) is not None
    assert kept.find("b", one) is None
    assert kept.find("a", pair("Another.")) is None
    other = build_document_chunk(split_turns("Ann: What?\nTom: We pay fifty dollars."))
    assert kept.find("a", replace(one, chunk=other)) is None


async def test_a_file_whose_writer_was_killed_half_way_is_gone_on_with(tmp_path: Path) -> None:
    file = tmp_path / "votes.jsonl"
    judge = ScriptedJudge(lambda _: YES)
    await collect_votes([judge], NOTES, VoteFile(file), at_once=1)
    file.write_bytes(file.read_bytes()[:-20])
    await collect_votes([judge], NOTES, VoteFile(file), at_once=1)
    assert judge.asked == ["One.", "Two.", "Three.", "Three."]
    assert len(file.read_text().splitlines()) == 3


@pytest.mark.parametrize("text", ['{"key": "x"}\n', "no json\n", '{"doc": "a"}\n{"doc": "b"}\n'])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "votes.jsonl"
    file.write_text(text)
    with pytest.raises(InputError, match="line 1 is no vote"):
        VoteFile(file)
    assert file.read_text() == text


def test_a_file_without_an_end_of_line_that_is_no_file_of_votes_is_left_alone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"doc": "a"}')
    with pytest.raises(InputError):
        VoteFile(file)
    assert file.read_text() == '{"doc": "a"}'
