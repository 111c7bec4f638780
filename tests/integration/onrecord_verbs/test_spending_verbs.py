import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.notes import Usage
from contracts.registry import CreateStudyRequest
from control.interviews.studies import StudyStore
from database.lazy import LazilyConnectedDatabase
from database.pool import open_database
from database.settings import PostgresSettings
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import CallDetails, CallOutcome, Ledger
from model_client.requests import CostAttribution
from onrecord import cli

pytestmark = pytest.mark.usefixtures("reading_api")

Run = Callable[..., str]
SPENT = ["1.7500", "+", "unknown"]


@pytest.fixture
async def ledger_filled(
    postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two studies, two models, two days, and calls that ended in every way."""
    late = CallOutcome("llm_timeout", cost_usd=Decimal("0.25"), estimated=True)
    async with LazilyConnectedDatabase(postgres_settings) as database:
        await call(database, "shops", "2", answered("1.50"))
        await call(database, "shops", None, answered(None), model="mine", purpose="judge")
        await call(database, "shops", "2", late)
        await call(database, "banks", "2", None)
        await call(database, "banks", "2", None, ago=timedelta(days=8), limit=10)


async def call(
    database: LazilyConnectedDatabase,
    study: str,
    worst: str | None,
    outcome: CallOutcome | None,
    *,
    model: str = "gpt-4o-mini",
    ago: timedelta = timedelta(0),
    limit: int | None = None,
    purpose: str = "draft",
) -> None:
    budgets = BudgetSettings(per_study_usd=None if limit is None else Decimal(limit))
    dollars = None if worst is None else Decimal(worst)
    # Not since the tests began: a call that is not settled for long counts as lost.
    moment = datetime.now(UTC) - ago
    async with Ledger(database, budgets, clock=lambda: moment) as ledger:
        account = CostAttribution(study, "chunk-1", purpose)
        made = await ledger.reserve(CallDetails(account, "notes-2", "http://here", model, dollars))
        if outcome is not None:
            await ledger.settle(made, outcome)


def answered(usd: str | None) -> CallOutcome:
    usage = Usage(input_tokens=2000, cached_tokens=500, output_tokens=100)
    return CallOutcome("answered", usage=usage, cost_usd=None if usd is None else Decimal(usd))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], ledger_filled: None) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        assert cli.run_command(arguments) == code
        output = capsys.readouterr()
        return output.out if code == 0 else output.err

    return run


def document(run: Run, *arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_costs_come_by_study_with_what_they_leave_out(run: Run) -> None:
    lines = run("costs").splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["study", "calls", "answered", "failed", "input", "cached", "output", "US$"],
        ["shops", "3", "2", "1", "4,000", "1,000", "200", "1.7500", "+", "unknown"],
        ["banks", "2", "0", "0", "0", "0", "0", "0.0000"],
        ["all", "5", "2", "1", "4,000", "1,000", "200", "1.7500", "+", "unknown"],
    ]
    assert lines[4:] == [
        "0.2500 of it are estimated: the endpoint gave no tokens",
        "1 call under way",
        "1 call lost with their process: 2.0000 at most, not in the sum",
        "1 call of unknown price, not in the sum: ONRECORD_MODEL_PRICED_AS or `prices` set it",
    ]


def test_costs_by_purpose_tell_what_the_judge_asked(run: Run) -> None:
    output = document(run, "costs", "--by", "purpose")
    assert [(row["name"], row["calls"]) for row in output["rows"]] == [("draft", 4), ("judge", 1)]


def test_costs_as_json_are_numbers(run: Run) -> None:
    output = document(run, "costs", "--by", "model")
    assert [row["name"] for row in output["rows"]] == ["gpt-4o-mini", "mine"]
    assert output["total"] == {
        "calls": 5,
        "answered": 2,
        "failed": 1,
        "under_way": 1,
        "lost": 1,
        "unpriced": 1,
        "input_tokens": 4000,
        "cached_tokens": 1000,
        "output_tokens": 200,
        "cost_usd": 1.75,
        "estimated_usd": 0.25,
        "lost_usd": 2.0,
    }


def test_a_cost_of_which_nothing_is_known_is_unknown_and_not_0(run: Run) -> None:
    mine = next(
        line.split() for line in run("costs", "--by", "model").splitlines()[1:] if "mine" in line
    )
    assert (mine[0], mine[-1]) == ("mine", "unknown")
    rows = document(run, "costs", "--by", "model")["rows"]
    assert [row["cost_usd"] for row in rows if row["name"] == "mine"] == [None]


async def test_a_budget_whose_calls_have_no_price_says_so(
    postgres_settings: PostgresSettings, run: Run
) -> None:
    async with LazilyConnectedDatabase(postgres_settings) as database:
        await call(database, "farms", None, answered(None), model="mine")
    output = await asyncio.to_thread(run, "budgets")
    farms = next(line.split() for line in output.splitlines() if line.startswith("farms"))
    assert farms[-3:] == ["unknown", "0.0000", "none"]
    assert "2 calls of unknown price" in output


def test_costs_by_day_are_in_the_order_of_days(run: Run) -> None:
    days = [row["name"] for row in document(run, "costs", "--by", "day")["rows"]]
    assert days == sorted(days)
    assert len(days) == 2


def test_costs_since_some_time(run: Run) -> None:
    assert document(run, "costs", "--since", "7d")["total"]["calls"] == 4
    assert document(run, "costs", "--since", "3w")["total"]["calls"] == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("costs", "--by", "hour"), "--by is one of study, model, purpose, day"),
        (("costs", "--since", "soon"), "'soon' is no span of time"),
        (("budgets", "set", "shops", "much"), "'much' is no limit"),
        (("budgets", "set", "shops", "nan"), "'nan' is no limit"),
        (("budgets", "set", " ", "5"), "its id is empty"),
    ],
)
def test_wrong_usage_is_told_in_one_line(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    assert message in run(*arguments, code=2)


def test_budgets_say_what_is_spent_reserved_and_left(run: Run) -> None:
    run("budgets", "set", "shops", "2.50")
    today, banks, shops, *_ = document(run, "budgets")
    # The last ledger told its settings.
    assert banks == {
        "scope": "study",
        "name": "banks",
        "limit_usd": 10.0,
        "set_by": "settings",
        "spent_usd": 0.0,
        "reserved_usd": 4.0,
        "lost_usd": 2.0,
        "unpriced": 0,
        "left_usd": 6.0,
    }
    assert (shops["limit_usd"], shops["set_by"], shops["left_usd"]) == (2.5, "command", 0.75)
    assert (today["scope"], today["name"]) == ("day", f"{datetime.now(UTC):%Y-%m-%d}")
    assert (today["limit_usd"], today["spent_usd"], today["reserved_usd"]) == (None, 1.75, 2.0)


async def test_the_budget_that_refuses_first_is_listed(
    postgres_settings: PostgresSettings, run: Run
) -> None:
    """A study's of today: as its registration says, else as the services' settings have it."""
    study = {"study_id": "farms", "name": "Farms", "themes": [{"id": "a", "name": "A"}]}
    async with open_database(postgres_settings) as database:
        wanted = CreateStudyRequest.model_validate(study | {"daily_budget_usd": 3})
        await StudyStore(database).create(wanted, "a test")
    listed = await asyncio.to_thread(document, run, "budgets")
    of_days = {one["name"]: one for one in listed if one["scope"] == "study_day"}
    assert {name: (one["limit_usd"], one["set_by"]) for name, one in of_days.items()} == {
        "banks": (50.0, "settings"),
        "farms": (3.0, "registration"),
        "shops": (50.0, "settings"),
    }
    banks, shops = of_days["banks"], of_days["shops"]
    # Calls of other days count on those.
    assert (banks["spent_usd"], banks["reserved_usd"], banks["lost_usd"]) == (0.0, 2.0, 0.0)
    assert (shops["spent_usd"], shops["left_usd"], shops["unpriced"]) == (1.75, 48.25, 1)


async def test_studies_that_registered_themselves_share_a_budget_of_the_day(
    postgres_settings: PostgresSettings, run: Run
) -> None:
    async with open_database(postgres_settings) as database:
        await database.execute(
            "INSERT INTO studies (study_id, doubtful_speakers, statements, registered_by, "
            "is_self_registered) SELECT name, 'refuse', 'proven', 'itself', true "
            "FROM unnest(ARRAY['one', 'two']) AS name"
        )
    async with LazilyConnectedDatabase(postgres_settings) as database:
        await call(database, "one", "2", answered("1"))
        await call(database, "two", None, answered(None), model="mine")
    listed = await asyncio.to_thread(document, run, "budgets")
    (shared,) = [one for one in listed if one["name"] == "*"]
    assert (shared["scope"], shared["limit_usd"], shared["spent_usd"]) == ("study_day", 50.0, 1.0)
    assert shared["unpriced"] == 1
    assert "self-registered (today, UTC)" in await asyncio.to_thread(run, "budgets")


def test_budgets_are_a_table(run: Run) -> None:
    run("budgets", "set-day", "5")
    lines = [line.split() for line in run("budgets", "set", "shops", "none").splitlines()]
    assert lines[0] == ["budget", "limit", "US$", "set", "by", "spent", "reserved", "left"]
    assert lines[1][1:] == ["(today,", "UTC)", "5.0000", "command", *SPENT, "2.0000", "1.2500"]
    assert lines[3] == ["shops", "none", "command", *SPENT, "0.0000", "none"]
    assert lines[5][:4] == ["shops", "(today,", "UTC)", "50.0000"]
    assert lines[6][:5] == ["1", "call", "of", "unknown", "price:"]
    assert " ".join(lines[7]) == "2.0000 stay reserved for calls that were lost with their process"


def test_a_budget_goes_back_to_what_the_settings_say(run: Run) -> None:
    run("budgets", "set", "shops", "2.50")
    back = document(run, "budgets", "set", "shops", "default")
    assert (back[2]["limit_usd"], back[2]["set_by"]) == (10.0, "settings")


def test_a_budget_of_a_study_that_nobody_knows_is_set_and_told(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["budgets", "set", "shosp", "1"]) == 0
    assert "nothing is known of a study 'shosp' yet" in capsys.readouterr().err
    assert cli.run_command(["budgets", "set", "\x1b[31m", "1"]) == 2
    assert "study_id: " in capsys.readouterr().err
