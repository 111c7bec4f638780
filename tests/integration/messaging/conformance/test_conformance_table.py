"""Which promise is proved on which backend: no test is left out anywhere without a word here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from contracts.errors import OnrecordError
from integration.messaging.conformance.backends import (
    ABILITIES,
    APACHE,
    EMBEDDED,
    MEMORY,
    Ability,
    able_backends,
    marked,
)

HERE: Final = Path(__file__).parent
README: Final = HERE.parents[3] / "libs" / "messaging" / "README.md"

BROKERS: Final = {EMBEDDED, APACHE}
EVERYWHERE: Final = {MEMORY, EMBEDDED, APACHE}

PROVED: Final = {
    "events": EVERYWHERE,
    "promise 1": BROKERS,
    "promise 2": BROKERS,
    "promise 3": EVERYWHERE,
    "promise 4": BROKERS,
    "promise 5": BROKERS,
    "promise 6": BROKERS,
    "promise 7": EVERYWHERE,
    "promise 8": BROKERS,
    "promise 9": BROKERS,
    "promise 10": BROKERS,
    "promise 11": BROKERS,
    "BadMessageError": EVERYWHERE,
    "RetryableError": BROKERS,
    "ThrottledError": BROKERS,
    "OutageError": BROKERS,
    "ParkedError": BROKERS,
    "RejectedError": BROKERS,
    "BugTriggeredByMessageError": BROKERS,
    "anything else": BROKERS,
}
"""Promises are those of the README of ``messaging``, rows those of the design's failure table."""

ONLY_ON_APACHE: Final = {
    "test_a_corrupt_batch_is_named_and_the_other_partitions_go_on",
    "test_a_log_that_was_lost_under_the_commit_is_handled_from_its_beginning",
    "test_a_named_replica_that_is_killed_while_partitions_are_to_move_releases_them",
    "test_a_process_ends_soon_though_the_broker_is_frozen",
    "test_a_rebalance_does_not_wait_for_handlers_that_ignore_their_cancellation",
    "test_a_replica_that_comes_and_goes_leaves_the_others_at_work",
    "test_a_replica_that_goes_in_the_middle_and_comes_back_loses_nothing",
    "test_a_storm_of_replicas_that_join_leave_and_are_killed_loses_nothing",
    "test_a_topic_created_anew_under_a_running_stage_is_handled_from_its_beginning",
    "test_a_topic_that_was_created_anew_is_handled_from_its_beginning",
    "test_aborted_transactions_are_not_handled_and_the_commit_reaches_the_end",
    "test_no_commit_goes_back_while_replicas_join_and_leave",
    "test_nothing_is_lost_when_the_broker_restarts_in_the_middle",
    "test_of_two_replicas_with_one_name_one_works_and_the_other_says_which_setting",
    "test_replicas_that_join_and_leave_in_order_have_nothing_done_twice",
    "test_replicas_that_join_have_no_call_paid_twice",
    "test_what_is_told_as_finished_is_not_believed_after_offsets_were_translated",
}


def suite() -> list[Callable[..., object]]:
    """All tests of the suite, but these."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        if path != Path(__file__):
            module = import_module(f"integration.messaging.conformance.{path.stem}")
            members = vars(module).values()
            found += [one for one in members if getattr(one, "__name__", "").startswith("test_")]
    return found


@pytest.mark.parametrize("what", PROVED)
def test_is_proved_by_named_tests_on(what: str) -> None:
    proofs = [one for one in suite() if what in marked(one, "proves")]
    assert {name for one in proofs for name in able_backends(one)} == PROVED[what]


def test_every_test_says_what_it_proves() -> None:
    said = {one.__name__: set(marked(one, "proves")) for one in suite()}
    assert not [name for name, what in said.items() if not what or not what <= set(PROVED)]


def test_every_promise_of_the_readme_is_in_the_table() -> None:
    promises = README.read_text().split("## What is promised")[1].split("\n## ")[0]
    numbers = re.findall(r"^(\d+)\. \*\*|^(\d+)\. ", promises, re.MULTILINE)
    told = {f"promise {number}" for pair in numbers for number in pair if number}
    assert told == {what for what in PROVED if what.startswith("promise")}


def test_every_branch_of_errors_is_in_the_table() -> None:
    branches = {branch.__name__ for branch in OnrecordError.__subclasses__()}
    own = {name for name in branches if name in vars(import_module("contracts.errors"))}
    assert own == {what for what in PROVED if what.endswith("Error")}


def test_every_test_asks_for_a_backend() -> None:
    fixtures = {"backend", "wide_backend", "own_backend"}
    asked = {one.__name__: set(inspect.signature(one).parameters) for one in suite()}
    assert not [name for name, arguments in asked.items() if len(arguments & fixtures) != 1]


def test_what_each_backend_can_show() -> None:
    expected = {
        MEMORY: set(),
        EMBEDDED: {
            Ability.RAW_RECORDS,
            Ability.CONCURRENCY,
            Ability.COMMITS,
            Ability.DEAD_LETTERS,
            Ability.RESTARTS,
            Ability.PROCESSES,
            Ability.REBALANCES,
        },
        APACHE: set(Ability),
    }
    assert expected == ABILITIES


def test_what_runs_on_apache_kafka_alone() -> None:
    alone = {one.__name__ for one in suite() if able_backends(one) == [APACHE]}
    assert alone == ONLY_ON_APACHE


def test_what_needs_no_broker_runs_in_memory_too() -> None:
    everywhere = {one.__name__ for one in suite() if set(able_backends(one)) == EVERYWHERE}
    assert everywhere == {one.__name__ for one in suite() if not marked(one, "needs")}
