import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.notes import Usage
from database.lazy import LazilyConnectedDatabase
from database.settings import PostgresSettings
from model_client.cache.store import CachedResponse, CacheSettings, CacheStore
from onrecord import cli

pytestmark = pytest.mark.usefixtures("reading_api")

NOW = datetime.now(UTC)
Run = Callable[..., str]


@pytest.fixture
async def cache_filled(
    postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models, two prompts, an old answer and three hits."""
    async with LazilyConnectedDatabase(postgres_settings) as database:
        old = CacheStore(database, CacheSettings(), lambda: NOW - timedelta(days=8))
        new = CacheStore(database, CacheSettings(), lambda: NOW)
        await old.store("notes-1/a", kept("small", "0.50"))
        await new.store("notes-2/b", kept("small", "0.25"))
        await new.store("notes-2/c", kept("large", None))
        for one in ("notes-1/a", "notes-1/a", "notes-2/c"):
            await new.find([one])


def kept(model: str, usd: str | None) -> CachedResponse:
    usage = Usage(input_tokens=2000, cached_tokens=500, output_tokens=100)
    return CachedResponse("{}", model, "", usage, None if usd is None else Decimal(usd))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], cache_filled: None) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        assert cli.run_command(["cache", *arguments]) == code
        output = capsys.readouterr()
        return output.out if code == 0 else output.err

    return run


def test_stats_tell_by_model_what_was_saved(run: Run) -> None:
    assert [line.split() for line in run("stats").splitlines()[1:]] == [
        ["small", "2", "0.0", "2", "50.0%", "4,200", "1.0000"],
        ["large", "1", "0.0", "1", "50.0%", "2,100", "0.0000"],
        ["all", "3", "0.0", "3", "50.0%", "6,300", "1.0000"],
    ]


def test_stats_as_json_are_numbers(run: Run) -> None:
    output = json.loads(run("stats", "--json"))["total"]
    assert (output["answers"], output["hits"], output["saved_usd"]) == (3, 3, 1.0)


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ((), 0),
        (("--model", "small"), 1),
        (("--prompt-version", "notes-1"), 2),
        (("--older-than", "7d"), 2),
        (("--older-than", "7d", "--model", "large"), 3),
    ],
)
def test_clear_deletes_what_is_meant(run: Run, which: tuple[str, ...], left: int) -> None:
    assert json.loads(run("clear", *which, "--yes", "--json")) == {"deleted": 3 - left}
    assert json.loads(run("stats", "--json"))["total"]["answers"] == left


def test_clear_asks_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "nothing was deleted" in run("clear", code=1)
    assert json.loads(run("stats", "--json"))["total"]["answers"] == 3


def test_clear_refuses_a_span_that_is_none(run: Run) -> None:
    assert "no span of time" in run("clear", "--older-than", "soon", code=2)
