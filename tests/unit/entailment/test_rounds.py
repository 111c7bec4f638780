"""Windows are scored until a note is decided: the decision is that of all windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from entailment import TextPair
from entailment.rounds import NoteDecision, decide_notes_from_pairs
from entailment.thresholds import ScoreDecision, Thresholds

SCORES = st.sampled_from([0.0, 0.05, 0.1, 0.4, 0.9, 0.95, 1.0])
STATEMENTS = st.lists(st.lists(SCORES, min_size=1, max_size=4), min_size=1, max_size=3)
LOW, HIGH = 0.1, 0.9


class TableScorer:
    """Scorer of pairs whose scores are known, which keeps what it is asked."""

    name = "table"
    pair_tokens = window_tokens = 512

    def __init__(self) -> None:
        self.table: dict[TextPair, float] = {}
        self.calls: list[list[TextPair]] = []

    def add(self, statement: Sequence[Sequence[float]], number: int = 0) -> list[list[TextPair]]:
        """Return the plan of a statement with these scores."""
        plan = []
        for at, scores in enumerate(statement):
            pairs = [
                TextPair(f"window {place}", f"{number}.{at}") for place, _ in enumerate(scores)
            ]
            self.table.update(zip(pairs, scores, strict=True))
            plan.append(pairs)
        return plan

    def find_token_ends(self, text: str) -> Sequence[int]:
        raise NotImplementedError(text)

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        assert pairs, "an empty batch"
        self.calls.append(list(pairs))
        return [self.table[one] for one in pairs]

    @property
    def asked(self) -> list[TextPair]:
        return [pair for call in self.calls for pair in call]


def thresholds(low: float | None = LOW, high: float | None = HIGH) -> Thresholds:
    return Thresholds(confirm_from=high, refute_below=low, false_rate=0.01, files={})


def decide(
    *statements: Sequence[Sequence[float]], low: float | None = LOW, high: float | None = HIGH
) -> tuple[list[NoteDecision | None], TableScorer]:
    scorer = TableScorer()
    plans = [scorer.add(one, number) for number, one in zip(count(), statements, strict=False)]
    return decide_notes_from_pairs(plans, scorer, thresholds(low, high)), scorer


@given(
    st.lists(STATEMENTS, min_size=1, max_size=4),
    st.sampled_from([LOW, None]),
    st.sampled_from([HIGH, None]),
)
def test_the_decision_is_that_of_all_windows(
    statements: list[list[list[float]]], low: float | None, high: float | None
) -> None:
    found, scorer = decide(*statements, low=low, high=high)
    for statement, one in zip(statements, found, strict=True):
        worst = min(max(scores) for scores in statement)
        assert one is not None
        assert one.decision is thresholds(low, high).decide(worst)
        if one.decision is ScoreDecision.CONFIRMED:
            assert high is not None
            assert high <= one.score.score <= worst
        if one.decision is ScoreDecision.REFUTED:
            assert low is not None
            assert worst <= one.score.score < low
            number = int(one.score.sentence.partition(".")[2])
            assert one.score.score == max(statement[number])
    assert len(set(scorer.asked)) == len(scorer.asked)


def test_a_window_that_confirms_a_sentence_is_its_last_one() -> None:
    [one], scorer = decide([[0.95, 1.0, 1.0], [0.4, 0.9, 1.0]])
    assert one is not None
    assert (one.decision, one.score.score) == (ScoreDecision.CONFIRMED, 0.9)
    assert [len(call) for call in scorer.calls] == [2, 1]


def test_a_sentence_that_all_windows_refute_decides_for_the_note() -> None:
    [one], scorer = decide([[0.0], [0.4, 0.4, 0.4, 0.4]])
    assert one is not None
    assert (one.decision, one.score.sentence) == (ScoreDecision.REFUTED, "0.0")
    assert len(scorer.asked) == 2


def test_a_note_that_nothing_can_confirm_any_more_is_only_asked_whether_it_is_refuted() -> None:
    [one], scorer = decide([[0.4], [0.4, 0.95, 0.95, 0.95]])
    assert one is not None
    assert one.decision is ScoreDecision.UNDECIDED
    assert len(scorer.asked) == 2


def test_a_note_without_windows_is_not_decided() -> None:
    assert decide([[]], [])[0] == [None, None]
