"""``onrecord export``: files of each format from what is stored, and what is refused."""

from __future__ import annotations

import csv
import json
import stat
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest

from contracts.study import PersonalData
from database.pool import Database
from exports.formats import ExportFormat
from exports.html_format import read_digest
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import STUDY, VOUCHED, evidence, ingested, note, validated

pytestmark = pytest.mark.usefixtures("reading_api")

SILENT = UUID(int=77)


@pytest.fixture
async def filled(fresh_database: Database) -> None:
    """An interview with a proven and an unproven note, and one without any."""
    store = NotesStore(fresh_database)
    study = STUDY.model_copy(update={"personal_data": PersonalData.MASK})
    await store.store_transcript(ingested(study=study))
    await store.store_transcript(
        ingested(transcript_id=SILENT, title="Nobody noted anything", study=study, chunks=())
    )
    masked = evidence("We pay 40 dollars", masked_quote="We pay [AMOUNT]")
    await store.store_notes(
        validated(
            note("Customers pay monthly", masked, **VOUCHED),
            note("Customers leave \x1b[31m", themes=("price", "trust")),
        )
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(StringIO(path.read_text("utf-8-sig"), newline=""))]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("kind", ExportFormat)
def test_each_format_has_the_notes(
    kind: ExportFormat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"study.{kind}"
    assert cli.run_command(["export", str(path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    interviews = 2 if kind in {"html", "qdpx", "jsonl"} else 1
    assert (result["notes"], result["interviews"]) == (2, interviews)
    assert result["bytes"] == path.stat().st_size
    content = path.read_bytes()
    assert result["digest"] == (read_digest(content) if kind == "html" else None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.usefixtures("filled")
def test_masks_and_standings_are_obeyed(tmp_path: Path) -> None:
    shown, exact = tmp_path / "shown.csv", tmp_path / "exact.csv"
    assert cli.run_command(["export", str(shown)]) == 0
    assert cli.run_command(["export", str(exact), "--exact", "--statements", "all"]) == 0
    (first, second) = sorted(read_csv(shown), key=lambda row: row["standing"])
    assert (first["statement"], first["quote"]) == ("Customers pay monthly", "We pay [AMOUNT]")
    assert (second["statement"], second["standing"]) == ("", "unproven")
    assert second["model_reading"].startswith("Customers leave")
    assert b"40 dollars" not in shown.read_bytes()
    rows = sorted(read_csv(exact), key=lambda row: row["standing"])
    assert rows[0]["quote"] == "We pay 40 dollars"
    assert [one["statement"][:9] for one in rows] == ["Customers", "Customers"]


@pytest.mark.usefixtures("filled")
def test_interviews_without_notes_are_exported_and_masked(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    assert cli.run_command(["export", str(path)]) == 0
    _, *interviews = map(json.loads, path.read_text().splitlines())
    assert [one["title"] for one in interviews] == ["Interview 1", "Nobody noted anything"]
    assert not any("Ada" in str(one["segments"]) for one in interviews)  # a pseudonym


@pytest.mark.usefixtures("filled")
def test_options_narrow_what_is_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trust.jsonl"
    assert cli.run_command(["export", str(path), "--theme", "trust"]) == 0
    assert "1 note of 1 interview in " in capsys.readouterr().out
    assert cli.run_command(["export", "-", "--format", "md", "--theme", "trust"]) == 0
    page = capsys.readouterr().out
    assert "## Trust" in page
    assert "## Price" not in page


@pytest.mark.usefixtures("filled")
def test_a_file_that_is_there_stays_without_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("mine")
    assert cli.run_command(["export", str(path)]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert cli.run_command(["export", str(path), "--force"]) == 0
    assert len(read_csv(path)) == 2


@pytest.mark.usefixtures("filled")
def test_nothing_is_left_of_an_export_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.xlsx_format._MOST_ROWS", 2)
    assert cli.run_command(["export", str(tmp_path / "notes.xlsx")]) == 1
    assert "take CSV or Parquet" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["notes"], "which format? end its name with, or give --format: csv, xlsx"),
        (["notes.pdf"], "which format?"),
        (["-", "--format", "csv", "--json"], "--json does not go with -"),
        (["no/such/notes.csv"], "there is no such folder"),
        (["notes.csv", "--study", "other"], "there is no study 'other'; known: billing"),
        (["notes.csv", "--theme", "prices"], "there is no theme 'prices'"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_what_cannot_be_exported_is_refused(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run_command(["export", *arguments]) == 2
    assert complaint in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("filled")
def test_an_export_of_what_is_new_has_no_interviews_without_notes(tmp_path: Path) -> None:
    new, none = tmp_path / "new.jsonl", tmp_path / "none.jsonl"
    assert cli.run_command(["export", str(new), "--since", "1h"]) == 0
    _, *interviews = map(json.loads, new.read_text().splitlines())
    assert [(one["title"], len(one["notes"])) for one in interviews] == [("Interview 1", 2)]
    assert cli.run_command(["export", str(none), "--since", "2100-01-01"]) == 0
    assert len(none.read_text().splitlines()) == 1
