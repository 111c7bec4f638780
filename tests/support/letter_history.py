"""What has to hold of letters and plans once all replicas are at rest, whatever happened before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from contracts import headers as h
from control.replay_outcomes import ReplayOutcomeSweeper
from support.letter_acts import MOST_REPLAYS, LetterActs
from support.waiting import until

AT_REST_WITHIN_S: Final = 20.0
"""Far longer than replicas need, in seconds."""

_BUSY = """
SELECT (SELECT count(*) FROM dead_letters
         WHERE state = 'replaying' OR (state = 'replayed' AND outcome IS NULL))
     + (SELECT count(*) FROM replay_plans WHERE state IN ('running', 'freezing'))
"""
_LETTERS = """
SELECT letter.*, edits.value AS edited
  FROM dead_letters AS letter
  LEFT JOIN letter_edits AS edits
    ON edits.letter_id = letter.letter_id AND edits.number = letter.edit
"""
_COUNTS = """
SELECT plan_id, state, letters
  FROM (
        SELECT plan_id, state, sum(letters)::int AS letters
          FROM replay_plan_counts GROUP BY plan_id, state
       ) AS counted
 WHERE letters <> 0 AND state <> 'open' AND state <> 'discarded'
 ORDER BY plan_id, state
"""
_RECOUNTS = """
SELECT plan_id, coalesce(outcome, state) AS state, count(*)::int AS letters
  FROM dead_letters
 WHERE plan_id IS NOT NULL AND state IN ('replaying', 'replayed')
 GROUP BY 1, 2
 ORDER BY 1, 2
"""
_LATE = """
SELECT letter_id
  FROM dead_letters JOIN replay_plans AS plan USING (plan_id)
 WHERE plan.state = 'cancelled' AND replay_began_at > finished_at
"""


async def come_to_rest(acts: LetterActs) -> None:
    """Have nothing fail any more, and wait until nothing is left to do.

    Raises:
        AssertionError: letters are left in between, or plans do not end.
    """
    acts.broker.is_away = acts.broker.loses_reports = False
    if acts.living() is None:
        await acts.restart(0)
    sweeper = ReplayOutcomeSweeper(acts.database)

    async def is_at_rest() -> bool:
        replica = acts.living()
        assert replica is not None
        while acts.stage.taken < len(acts.broker.sent):
            await acts.stage.take(lambda _: True)
        await acts.index(replica)
        await sweeper.sweep()
        is_busy = bool(await acts.database.fetchval(_BUSY))
        return not is_busy and acts.stage.taken == len(acts.broker.sent)

    await until(is_at_rest, within_s=AT_REST_WITHIN_S)


async def check_letters(acts: LetterActs) -> None:
    """Check letters, what was sent of them, and plans.

    Raises:
        AssertionError: a letter is lost, was sent twice, or both as it was and edited, or has a
            state that does not fit what happened.
    """
    rows = await acts.database.fetch(_LETTERS)
    letters: dict[UUID, Mapping[str, Any]] = {row["letter_id"]: dict(row) for row in rows}
    assert len(letters) == len({one["dlq_offset"] for one in letters.values()})
    written = {UUID(str(dict(one.headers)[h.LETTER_ID], "ascii")) for one in acts.broker.dead}
    assert letters.keys() == written, "each letter of the queue is in the index, once"
    _check_sent(acts, letters)
    _check_lineage(acts, letters)
    counted = [tuple(row) for row in await acts.database.fetch(_COUNTS)]
    assert counted == [tuple(row) for row in await acts.database.fetch(_RECOUNTS)]
    assert not await acts.database.fetch(_LATE), "a cancelled plan claims no letter"
    of_rule = await acts.database.fetch("SELECT letter_id FROM letter_rule_replays")
    for row in of_rule:
        replays = _count_replays(letters, row["letter_id"])
        assert replays < MOST_REPLAYS, "a rule counts all replays of a message"


def _check_sent(acts: LetterActs, letters: Mapping[UUID, Mapping[str, Any]]) -> None:
    certain = Counter(one.letter_id for one in acts.broker.sent if not one.is_excused)
    assert all(number == 1 for number in certain.values()), "a letter was sent twice"
    values: dict[UUID, set[bytes | None]] = {}
    for sent in acts.broker.sent:
        values.setdefault(sent.letter_id, set()).add(sent.record.value)
    for letter_id, letter in letters.items():
        if letter["state"] != "replayed":
            assert letter_id not in values or letter["may_be_sent"], (
                f"a letter that was sent is {letter['state']}"
            )
            continue
        assert letter_id in values, "a letter is lost: it was never sent"
        original = acts.broker.dead[letter["dlq_offset"]].value
        expected = original if letter["edited"] is None else letter["edited"]
        assert values[letter_id] == {expected}, "a letter and its edit were both sent"


def _check_lineage(acts: LetterActs, letters: Mapping[UUID, Mapping[str, Any]]) -> None:
    children = {one["replay_of"]: one["letter_id"] for one in letters.values() if one["replay_of"]}
    for letter_id, letter in letters.items():
        if letter["state"] == "replayed":
            through = acts.stage.verdicts[letter_id]
            assert (letter["outcome"], letter["became"]) == (
                ("resolved", None) if through else ("failed_again", children[letter_id])
            )
        elif letter["state"] == "open":
            assert letter_id not in children, "a letter is open beside the one it became"


def _count_replays(letters: Mapping[UUID, Mapping[str, Any]], letter_id: UUID) -> int:
    before = letters[letter_id]["replay_of"]
    return 0 if before is None else 1 + _count_replays(letters, before)
