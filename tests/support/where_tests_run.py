"""Counts what tests ran on, and says it at the end of a run; with workers, over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from typing import Final

import pytest

WHERE: Final = {
    "stack": "on {stack}",
    "stack_home": "on embedded stacks of their own",
    "broker": "on {broker}",
    "own_broker": "on {broker}, one of their own",
    "chaos_broker": "on {broker}, with crashes and trouble",
    "postgres": "on {database}",
    "engine": "on containers of their own",
    "closed_kafka": "on an Apache Kafka that demands a login",
    "closed_postgres": "on a PostgreSQL that demands a login",
    "project": "on a compose project",
}
"""A test counts for the first of these fixtures it uses, directly or not."""
NOWHERE: Final = "without a stack"
_PROPERTY: Final = "where"


class WhereTestsRun:
    """The plugin.

    Args:
        labels: gives what stands for the names in braces.
        parts: gives what the stack is made of, with versions.
    """

    def __init__(self, labels: Callable[[], dict[str, str]], parts: Callable[[], str]) -> None:
        self._labels = labels
        self._parts = parts
        self._ran: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write on the report, which comes from a worker perhaps, what the test ran on."""
        report = yield
        if call.when == "call" and not report.skipped:
            used = getattr(item, "fixturenames", ())
            where = next((label for name, label in WHERE.items() if name in used), NOWHERE)
            report.user_properties.append((_PROPERTY, where))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._ran.update(
                str(where) for name, where in report.user_properties if name == _PROPERTY
            )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        labels = self._labels()
        output = [
            f"{self._ran[label]} {label.format_map(labels)}"
            for label in (NOWHERE, *WHERE.values())
            if self._ran[label]
        ]
        if output:
            terminalreporter.section("where the tests ran")
            terminalreporter.write_line(f"stack: {self._ran.total()} tests: {', '.join(output)}")
            terminalreporter.write_line(f"stack: {self._parts()}")
