"""Which tests a run leaves out, and which of the others go together to a worker.

Left alone, pytest leaves out the tests marked ``long`` and those listed in ``slow_tests.json``; of
the others of a file that need a broker or a database, it runs the first few, each in one case; and
hypothesis makes up fewer examples. Tests marked ``core`` run all the same. All run with ``--all``,
and whenever a path names what is to run. With workers (``-n``), the tests of a file go to one
worker, and so do all that share something that takes long to start.

The list is of what took long when it was written (``make test ALL=1 RECORD=1``): a test that is new
or has another name is run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings

LONG: Final = "long"
CORE: Final = "core"
SLOW_TESTS: Final = Path(__file__).parents[1] / "slow_tests.json"
"""Seconds that tests take which take long, by their ids without the case."""
SLOW_S: Final = 4.0
"""Seconds from which on a test is listed: setup, call and teardown of its slowest case."""
FEW_EXAMPLES: Final = 20
"""How many hypothesis makes up for each test where long ones are left out, in place of 100."""
SHARED: Final = ("stack", "closed_kafka", "closed_postgres")
"""Fixtures of a session that take long to start."""
MOST_OF_A_FILE: Final = 2
"""Tests of a file that run where long ones are left out, of those that need a broker or a database.
Each runs in one case. So every file proves something on two cores within minutes."""
SLOW_FIRST: Final = ("stack", "own_broker", "broker", "stack_home", "postgres")
"""Tests that use these come first, so that no worker begins with one of them when the others are
about to end."""

NOT_RUN: Final = pytest.StashKey[dict[str, list[str]]]()
"""What the end of a run says of tests that are not run: titles with lines. Workers hand it on."""
_OUTPUT: Final = "tests_not_run"


def keep_one_in(number: int, values: Iterable[Any]) -> list[Any]:
    """Return parameters of a test of which all but one in ``number`` are marked as long."""
    return [
        pytest.param(one, marks=[pytest.mark.long] if at % number else [])
        for at, one in enumerate(values)
    ]


def add_options(parser: pytest.Parser) -> None:
    """Add what ``ChoiceOfTests`` reads from the command line."""
    parser.addoption(
        "--all",
        action="store_true",
        help="run the tests marked as long, too, although no path names them",
    )
    parser.addoption(
        "--record-slow",
        action="store_true",
        help=f"write the tests that take {SLOW_S:g} s or more into {SLOW_TESTS.name}; those that "
        "did not pass stay as they are",
    )
    parser.addoption(
        "--uses",
        metavar="FIXTURES",
        type=lambda names: frozenset(names.split(",")),
        default=frozenset(),
        help="run only tests that use one of these fixtures, directly or not",
    )


class ChoiceOfTests:
    """The plugin."""

    def __init__(self, config: pytest.Config) -> None:
        named = config.args_source is pytest.Config.ArgsSource.ARGS
        records = config.getoption("record_slow")
        self._leaves_out = not (
            named or records or config.getoption("all") or config.option.markexpr
        )
        self._uses: frozenset[str] = config.getoption("uses")
        self._durations: defaultdict[str, float] | None = defaultdict(float) if records else None
        self._passed: set[str] = set()
        config.stash[NOT_RUN] = {}
        if self._leaves_out:
            settings.register_profile("few", parent=settings.default, max_examples=FEW_EXAMPLES)
            settings.load_profile("few")

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Choose and group, after each folder's ``conftest.py`` and before pytest-xdist."""
        if self._leaves_out:
            self._leave_out_long_ones(config, items)
        if self._uses:
            _deselect(config, items, lambda one: self._uses.isdisjoint(_fixtures(one)))
        if "workerinput" in vars(config):
            items.sort(key=_place)
            for item in items:
                item.add_marker(pytest.mark.xdist_group(_group(item)))

    def _leave_out_long_ones(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        slow = read_slow_tests()
        number = _deselect(config, items, lambda one: one.get_closest_marker(LONG))
        number += _deselect(config, items, lambda one: not _is_core(one) and _test(one) in slow)
        number += _deselect(config, items, _FirstOfFiles().leave_out)
        if number:
            line = (
                f"{number} tests: what takes long, and all but the first {MOST_OF_A_FILE} of each "
                "file that need a broker or a database; `make test ALL=1` runs them, too, and a "
                "path (`make test TESTS=path`) runs all that it names"
            )
            config.stash[NOT_RUN]["left out"] = [line]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up how long a test takes; the reports of workers come here, too."""
        if self._durations is not None:
            self._durations[report.nodeid] += report.duration
            if report.when == "call" and report.passed:
                self._passed.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand on what a worker does not run, which is the same for all workers."""
        if self._durations is not None and "workerinput" not in vars(session.config):
            write_slow_tests({case: self._durations[case] for case in self._passed})
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = session.config.stash[NOT_RUN]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        node.config.stash[NOT_RUN].update(getattr(node, "workeroutput", {}).get(_OUTPUT, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for title, lines in terminalreporter.config.stash[NOT_RUN].items():
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)


def read_slow_tests() -> dict[str, float]:
    """Read the seconds of tests that take long, by their ids without the case."""
    listed: dict[str, float] = json.loads(SLOW_TESTS.read_text(encoding="utf-8"))
    return listed


def write_slow_tests(durations: Mapping[str, float]) -> None:
    """List those tests that took long; what is listed of others stays.

    Args:
        durations: seconds of cases that passed. What a session's fixtures take counts for the first
            test that uses them.
    """
    slowest: defaultdict[str, float] = defaultdict(float)
    for case, seconds in durations.items():
        test = case.partition("[")[0]
        slowest[test] = max(slowest[test], seconds)
    listed = {test: s for test, s in read_slow_tests().items() if test not in slowest}
    listed |= {test: round(s, 1) for test, s in slowest.items() if s >= SLOW_S}
    text = json.dumps(listed, indent=2, sort_keys=True)
    SLOW_TESTS.write_text(f"{text}\n", encoding="utf-8")


def _test(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _is_core(item: pytest.Item) -> bool:
    return item.get_closest_marker(CORE) is not None


def _deselect(
    config: pytest.Config, items: list[pytest.Item], which: Callable[[pytest.Item], object]
) -> int:
    """Take out the tests for which ``which`` is true; gives their number."""
    others: list[pytest.Item] = []
    kept: list[pytest.Item] = []
    for item in items:
        (others if which(item) else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=others)
    return len(others)


class _FirstOfFiles:
    """Leaves out all but the first tests of each file that need a broker or a database."""

    def __init__(self) -> None:
        self._begun: dict[str, set[str]] = defaultdict(set)

    def leave_out(self, item: pytest.Item) -> bool:
        """Return whether an item is not to run; items come in their order."""
        if _place(item) == len(SLOW_FIRST) or _is_core(item):
            return False
        test = _test(item)
        begun = self._begun[test.partition("::")[0]]
        if test in begun or len(begun) == MOST_OF_A_FILE:
            return True
        begun.add(test)
        return False


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


def _place(item: pytest.Item) -> int:
    used = _fixtures(item)
    return next((n for n, name in enumerate(SLOW_FIRST) if name in used), len(SLOW_FIRST))


def _group(item: pytest.Item) -> str:
    """Name what a test shares with others: a fixture with the folder it is for, or else a file."""
    fixtures: dict[str, Sequence[Any]] = getattr(
        getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}
    )
    shared = next((name for name in SHARED if name in fixtures), None)
    if shared is not None:
        return f"{fixtures[shared][-1].baseid}:{shared}"
    return item.nodeid.partition("::")[0]
