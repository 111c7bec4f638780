"""``onrecord search``: what is found, on a page and as JSON, and what is not."""

from __future__ import annotations

import json

import pytest

from database.pool import Database
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import STUDY, VOUCHED, evidence, ingested, note, validated

pytestmark = pytest.mark.usefixtures("reading_api")


@pytest.fixture
async def filled(fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    masked = evidence("We pay 40 dollars", masked_quote="We pay [AMOUNT]")
    await store.store_notes(
        validated(
            note("Customers pay monthly", masked, **VOUCHED), note("Customers leave \x1b[31m")
        )
    )


@pytest.mark.usefixtures("filled")
def test_prints_what_has_the_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["search", "customer", "--study", STUDY.study_id]) == 0
    page = capsys.readouterr().out
    assert "  • Customers pay monthly\n" in page
    assert "Interview 1 (billing)" in page
    first, second = page.index("“I would not recommend it”"), page.index("Customers leave")
    assert first < second  # a reading that is not proven comes below its quotes
    assert "\x1b[31m" not in page


@pytest.mark.usefixtures("filled")
def test_masked_words_take_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["search", "dollars"]) == 0
    assert capsys.readouterr() == ("", "nothing has these words\n")
    assert cli.run_command(["search", "dollars", "--exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in found["results"]] == ["quote", "segment"]
    (mark,) = found["results"][0]["highlights"]
    assert found["results"][0]["text"][mark["start"] :][: mark["length"]] == "dollars"


@pytest.mark.usefixtures("filled")
def test_says_that_there_is_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["search", "customers", "--limit", "1"]) == 0
    assert "there is more: the best 1 are shown" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["search", " "], "q: "),
        (["search", "the"], "q: names no word to find"),
        (["search", "a", "--kind", "title"], "'title' is none of note, quote, segment"),
        (["search", "pay", "--study", "no study"], "study: "),
    ],
)
@pytest.mark.usefixtures("filled")
def test_refuses_what_cannot_be_looked_for(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert cli.run_command(arguments) == 2
    assert complaint in capsys.readouterr().err
