"""What has to hold of letters and plans once all replicas are at rest, whatever happened before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from contracts import headers as h
from control.replays.outcomes import ReplayOutcomeSweeper
from support.letter_acts import MOST_REPLAYS, LetterActs
from support.letter_stage import Fate
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
# In one statement, which sees one state of the database.
_MISCOUNTED = """
WITH counted AS (
    SELECT plan_id, state, sum(letters)::int AS letters
      FROM replay_plan_counts
     WHERE state <> 'open' AND state <> 'discarded'
     GROUP BY plan_id, state
    HAVING sum(letters) <> 0
), recounted AS (
    SELECT plan_id, coalesce(outcome, state) AS state, count(*)::int AS letters
      FROM dead_letters
     WHERE plan_id IS NOT NULL AND state IN ('replaying', 'replayed')
     GROUP BY 1, 2
)
SELECT plan_id, state, counted.letters AS counted, recounted.letters AS recounted
  FROM counted FULL JOIN recounted USING (plan_id, state)
 WHERE counted.letters IS DISTINCT FROM recounted.letters
"""
_SETS = """
SELECT plan_id, letter_id
  FROM replay_plan_batches, unnest(letter_ids) WITH ORDINALITY AS each (letter_id, number)
 ORDER BY plan_id, begins, number
"""
_LATE = """
SELECT letter_id
  FROM dead_letters JOIN replay_plans AS plan USING (plan_id)
 WHERE plan.state = 'cancelled' AND replay_began_at > finished_at
"""


WATCH: Final = """
CREATE TABLE public.letter_faults (what text NOT NULL, letter_id uuid NOT NULL);
CREATE FUNCTION note_letter_faults() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.letter_faults
    SELECT what, NEW.letter_id
      FROM (VALUES
            ('claimed, and not open',
             NEW.state = 'replaying' AND OLD.state NOT IN ('open', 'replaying')),
            ('claimed, and its time is over',
             NEW.state = 'replaying' AND OLD.state = 'open' AND OLD.emptied_at IS NOT NULL),
            ('claimed by a plan, and snoozed',
             NEW.state = 'replaying' AND OLD.state = 'open' AND NEW.plan_id IS NOT NULL
             AND OLD.snoozed_until > now()),
            ('claimed by a plan, and gone',
             NEW.state = 'replaying' AND OLD.state = 'open' AND NEW.plan_id IS NOT NULL
             AND OLD.displaced_at IS NOT NULL),
            ('discarded or expired, and not open',
             NEW.state = 'discarded' AND OLD.state NOT IN ('open', 'discarded')),
            ('sent, and not claimed',
             NEW.state = 'replayed' AND OLD.state NOT IN ('replaying', 'replayed')
             AND NOT OLD.may_be_sent),
            ('edited, and not open or perhaps sent',
             NEW.edit IS DISTINCT FROM OLD.edit AND NEW.emptied_at IS NULL
             AND (OLD.state <> 'open' OR OLD.may_be_sent)),
            ('open again, and what it became is, too',
             NEW.state = 'open' AND NEW.became IS NOT NULL)
           ) AS faults (what, is_so)
     WHERE is_so;
    RETURN NULL;
END;
$$;
CREATE TRIGGER letter_faults AFTER UPDATE ON dead_letters
    FOR EACH ROW EXECUTE FUNCTION note_letter_faults();
"""
"""Notes what no letter may become of what it was."""


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
            await acts.stage.take(lambda _: Fate.THROUGH)
        if acts.beside_others:
            return False
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
    assert len(letters) == len({_place(one) for one in letters.values()})
    written = {
        UUID(str(dict(one.headers)[h.LETTER_ID], "ascii"))
        for log in acts.broker.dead.values()
        for one in log
    }
    assert letters.keys() == written, "each letter of the queues is in the index, once"
    faults = [tuple(row) for row in await acts.database.fetch("SELECT * FROM public.letter_faults")]
    assert not faults
    _check_sent(acts, letters)
    _check_lineage(acts, letters)
    miscounted = [tuple(row) for row in await acts.database.fetch(_MISCOUNTED)]
    assert miscounted == [], "a plan's counts are those of its letters"
    assert not await acts.database.fetch(_LATE), "a cancelled plan claims no letter"
    await _check_order(acts, letters)
    of_rule = await acts.database.fetch("SELECT letter_id FROM letter_rule_replays")
    for row in of_rule:
        replays = _count_replays(letters, row["letter_id"])
        assert replays < MOST_REPLAYS, "a rule counts all replays of a message"


def _check_sent(acts: LetterActs, letters: Mapping[UUID, Mapping[str, Any]]) -> None:
    certain = Counter(
        one.letter_id
        for one in acts.broker.sent
        if not one.is_excused and one.letter_id not in acts.doubtful
    )
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
        topic, partition, offset = _place(letter)
        original = acts.broker.dead[topic, partition][offset].value
        expected = original if letter["edited"] is None else letter["edited"]
        if letter["emptied_at"] is not None:  # its edits are not kept any more
            (expected,) = values[letter_id]
        assert values[letter_id] == {expected}, "a letter and its edit were both sent"


def _check_lineage(acts: LetterActs, letters: Mapping[UUID, Mapping[str, Any]]) -> None:
    stage = acts.stage
    for letter_id, letter in letters.items():
        caused, chunk = stage.caused[letter_id], letter["subject"]
        outcome, became = letter["outcome"], letter["became"]
        if letter["state"] != "replayed":
            assert not caused, f"a letter is {letter['state']} beside the one it became"
        elif chunk in stage.repeated:
            # What was sent twice may have become two letters, of which one is in the way of the
            # other; each is one of the chunk's, and what went through is there.
            assert outcome == ("resolved" if became is None else "failed_again")
            assert (
                chunk in stage.finished if became is None else (letters[became]["subject"] == chunk)
            )
        elif stage.fates[letter_id] is Fate.THROUGH:
            assert (outcome, became) == ("resolved", None)
        else:
            assert (outcome, [became]) == ("failed_again", caused), "its lineage is broken"
            assert letters[became]["failed_at"] > letter["failed_at"]


async def _check_order(acts: LetterActs, letters: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Check that each plan sent the letters of each dead letter queue in their order."""
    places: dict[tuple[Any, ...], list[UUID]] = {}
    for row in await acts.database.fetch(_SETS):
        letter = letters.get(row["letter_id"])
        if letter and letter["state"] == "replayed" and letter["plan_id"] == row["plan_id"]:
            places.setdefault((row["plan_id"], *_place(letter)[:2]), []).append(row["letter_id"])
    for expected in places.values():
        sent = [one.letter_id for one in acts.broker.sent]
        assert is_within(expected, sent), "a plan sent letters out of order"


def is_within(expected: Iterable[UUID], sent: Iterable[UUID]) -> bool:
    """Return whether letters were sent one behind the other, however often some of them."""
    rest = iter(sent)
    return all(letter in rest for letter in expected)


def _place(letter: Mapping[str, Any]) -> tuple[str, int, int]:
    return letter["dlq_topic"], letter["dlq_partition"], letter["dlq_offset"]


def _count_replays(letters: Mapping[UUID, Mapping[str, Any]], letter_id: UUID) -> int:
    before = letters[letter_id]["replay_of"]
    return 0 if before is None else 1 + _count_replays(letters, before)
