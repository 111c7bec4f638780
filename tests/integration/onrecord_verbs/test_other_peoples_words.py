"""No command passes on characters of others that control a terminal, nor reads them as mark-up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import pytest

from contracts import ids
from contracts.study import Question, Study, Theme
from contracts.terminal import TERMINAL_CONTROLS
from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import CallDetails, Ledger
from model_client.requests import CostAttribution
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import (
    REPORT,
    TRANSCRIPT,
    TURNS,
    evidence,
    ingested,
    note,
    refused,
    validated,
)

HOSTILE: Final = (
    "\x1b[2J\x1b]0;owned\x07\r\x08\x9b31m\x85\u202eevil\u2028[bold]x[/] [/nothing] :warning:"
    "\n✓ all is well"
)

pytestmark = pytest.mark.usefixtures("reading_api")
STATEMENT: Final = f"They pay 40 dollars {HOSTILE}"


@pytest.fixture
async def hostile(
    fresh_database: Database, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two interviews and a model call, of which every name and text is hostile."""
    study = Study(
        study_id="billing",
        name=HOSTILE,
        themes=(Theme(id="price", name=HOSTILE, description=HOSTILE),),
        questions=(Question(id="churn", text=HOSTILE),),
    )
    turns = tuple(turn.model_copy(update={"speaker": HOSTILE}) for turn in TURNS)
    store = NotesStore(fresh_database)
    report = REPORT.model_copy(
        update={
            "speakers": tuple(one.model_copy(update={"label": HOSTILE}) for one in REPORT.speakers),
            "notices": (HOSTILE,),
            "doubts": (f"“{HOSTILE}” is named once only",),
        }
    )
    await store.store_transcript(
        ingested(title=HOSTILE, study=study, segments=turns, reading_report=report)
    )
    failure = refused().failures[0].model_copy(update={"check": HOSTILE, "reason": HOSTILE})
    bad = refused(STATEMENT).model_copy(update={"failures": (failure,)})
    good = note(STATEMENT, evidence(speaker=HOSTILE), flags=(failure,))
    await store.store_notes(validated(good, rejected=(bad,), model=HOSTILE, prompt_version=HOSTILE))
    async with (
        LazilyConnectedDatabase(postgres_settings) as database,
        Ledger(database, BudgetSettings(), clock=lambda: datetime.now(UTC)) as ledger,
    ):
        account = CostAttribution(HOSTILE, HOSTILE, HOSTILE)
        call = CallDetails(account, HOSTILE, "http://here", HOSTILE, Decimal(1))
        await ledger.reserve(call)


COMMANDS: Final = (
    (("notes",), 0),
    (("notes", "--rejected"), 0),
    (("notes", "--transcript", "x"), 2),
    (("transcript", "list"), 0),
    (("transcript", "show", str(TRANSCRIPT)), 0),
    (("transcript", "show", str(TRANSCRIPT), "--exact"), 0),
    (("notes", "--transcript", "\x1b[31mx"), 2),
    (("notes", "--speaker", "nobody"), 2),
    (("notes", "--study", "\x9b31m"), 2),
    (("coverage",), 0),
    (("coverage", "--study", "x\x9b31m"), 2),
    (("explain", str(ids.derive_id("note", STATEMENT))), 0),
    (("costs",), 0),
    (("costs", "--by", "model"), 0),
    (("costs", "--by", "purpose"), 0),
    (("budgets",), 0),
    (("budgets", "set", "x\x9b31m", "1"), 2),
    (("cache", "stats"), 0),
)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(("arguments", "code"), COMMANDS, ids=lambda one: repr(one)[:40])
def test_what_is_printed_controls_no_terminal(
    arguments: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(arguments) == code
    output = capsys.readouterr()
    assert TERMINAL_CONTROLS.findall(output.out + output.err) == []
    assert "⚠" not in output.out + output.err
    if code:  # an error is one line, which nothing in it can end
        assert len(output.err.splitlines()) == 1


@pytest.mark.usefixtures("hostile")
def test_json_has_the_words_as_they_are_and_controls_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run_command(["notes", "--json"]) == 0
    printed = capsys.readouterr().out
    (found,) = json.loads(printed)
    assert found["title"] == HOSTILE
    assert found["model_reading"] == STATEMENT
    assert TERMINAL_CONTROLS.findall(printed) == []
