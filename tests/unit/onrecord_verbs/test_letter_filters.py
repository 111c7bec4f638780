"""Conditions on letters: what people write, and the errors that name a typo."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contracts.control_api import DeadLetterFilter
from onrecord.commands.dlq.waiting import parse_waiting_filter
from onrecord.errors import UsageError
from onrecord.letter_filters import PARAMETERS, parse_filter_conditions

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def test_every_parameter_is_one_that_control_knows() -> None:
    assert set(PARAMETERS.values()) == set(DeadLetterFilter.model_fields) - {"state"}


@pytest.mark.parametrize(
    ("conditions", "parameters"),
    [
        ([], {}),
        (
            ["service=enrichment", "code=llm_timeout"],
            {"service": "enrichment", "code": "llm_timeout"},
        ),
        (["Study = bikes "], {"study": "bikes"}),
        (["transcript=1", "transcript=1"], {"subject": "1"}),
        (["text=a = b >= c"], {"text": "a = b >= c"}),
        (["text~no answer"], {"text": "no answer"}),
        (["attempts>=3"], {"min_attempts": 3}),
        (["since=2h"], {"since": "2026-05-04T10:30:00+00:00"}),
        (
            ["before=1d", "since=2w"],
            {"before": "2026-05-03T12:30:00+00:00", "since": "2026-04-20T12:30:00+00:00"},
        ),
        (["since=2026-05-04T12:30Z"], {"since": "2026-05-04T12:30:00+00:00"}),
        (["since=2026-05-04T12:30+02:00"], {"since": "2026-05-04T12:30:00+02:00"}),
    ],
)
def test_conditions_are_parameters(conditions: list[str], parameters: dict[str, str]) -> None:
    assert parse_filter_conditions(conditions, NOW) == parameters
    DeadLetterFilter.model_validate(parameters)


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        (["serivce=enrichment"], "did you mean service?"),
        (["service=enrichmnet"], "one of ingestion, enrichment"),
        (["code=timeout_llm"], "llm_timeout"),
        (["study"], "NAME=VALUE"),
        (["study="], "has no value"),
        (["=x"], "NAME=VALUE"),
        (["study~x"], "study takes ="),
        (["attempts=3"], "attempts>=3"),
        (["attempts>=three"], "whole number"),
        (["since=yesterday"], "an age such as 30m"),
        (["since=2"], "an age such as 30m"),
        (["since=999999w"], "before the year 1"),
        (["study=a", "study=b"], "two conditions on study"),
        (["transcript=a", "chunk=b"], "transcript/chunk"),
    ],
)
def test_a_typo_is_an_error_that_says_what_to_write(conditions: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter_conditions(conditions, NOW)
    assert says in str(caught.value)


@pytest.mark.parametrize("held", [True, False])
def test_what_is_held_is_asked_as_a_truth_value(held: bool) -> None:  # noqa: FBT001 - a parameter
    found = parse_waiting_filter(["attempts>=3"], held=held, service=None)
    assert found == {"min_attempts": 3, "held": held}
