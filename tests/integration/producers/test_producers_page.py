"""docs/producers.md is complete and true; its programs run here and in the tests beside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from contracts.errors import ErrorCode
from contracts.events import SettledOutcome, TranscriptSettled, TranscriptSubmitted
from contracts.topics import PIPELINE
from support.kafka_jars import kafka_version
from support.pipeline import Pipeline

RUN: Final = {
    "submit.sh",
    "settled.sh",
    "stored.sh",
    "letters.sh",
    "submit.mjs",
    "settled.mjs",
    "stored.mjs",
    "submit.py",
    "Submit.java",
    "submit.go",
}
"""Programs that these tests run; one that is not among them would rot."""


def test_every_program_on_the_page_is_run_by_a_test(
    producers_page: str, programs: dict[str, str]
) -> None:
    fences = re.findall(r"^```(?:sh|js|python|java|go).*$", producers_page, re.MULTILINE)

    assert programs.keys() == RUN
    assert len(fences) == len(programs)


async def test_the_python_program_hands_an_interview_in(
    pipeline: Pipeline, run_python: Any
) -> None:
    done = run_python("submit.py")

    assert done.returncode == 0, done.stderr
    transcript_id, outcome, notes, _ = done.stdout.split()
    assert outcome == "complete"
    query = "SELECT count(*) FROM notes WHERE transcript_id = $1 AND same_as IS NULL"
    ((stored,),) = await pipeline.rows(query, UUID(transcript_id))
    assert int(notes) == stored > 0


def test_the_table_of_fields_names_all_of_them(producers_page: str) -> None:
    named = first_cells(producers_page, "| field of the value")
    assert sorted(named) == sorted(TranscriptSubmitted.model_fields)


def test_the_table_of_faults_names_services_and_codes(producers_page: str) -> None:
    for row in table(producers_page, "| what you sent"):
        _, service, code = row
        assert service in PIPELINE
        assert code.strip("`") in {one.value for one in ErrorCode}


def test_the_page_names_the_release_that_is_tested(producers_page: str) -> None:
    package: dict[str, Any] = json.loads((Path(__file__).parent / "node/package.json").read_bytes())
    ((name, version),) = package["dependencies"].items()

    assert f"npm install {name}@{version}" in producers_page


def test_the_page_names_the_java_client_that_is_tested(
    producers_page: str, java_jars: Path
) -> None:
    assert (java_jars / f"kafka-clients-{kafka_version()}.jar").is_file()
    assert f"`org.apache.kafka:kafka-clients:{kafka_version()}`" in producers_page
    (jackson,) = java_jars.glob("jackson-databind-*.jar")
    version = jackson.stem.removeprefix("jackson-databind-")
    assert f"`com.fasterxml.jackson.core:jackson-databind:{version}`" in producers_page


def test_the_page_names_the_go_client_that_is_tested(producers_page: str) -> None:
    module = (Path(__file__).parent / "go" / "go.mod").read_text("utf-8")

    wanted = re.findall(r"^\t(\S+) (v\S+)$", module, re.MULTILINE)
    assert len(wanted) == 2
    named = re.findall(r"github\.com/\S+@v[\d.]*\d", producers_page)
    assert named == [f"{name}@{version}" for name, version in wanted]


def test_the_lock_names_no_registry() -> None:
    lock = (Path(__file__).parent / "node" / "package-lock.json").read_text("utf-8")

    assert '"resolved"' not in lock


def test_the_page_names_every_field_and_outcome_of_what_became_of_an_interview(
    producers_page: str,
) -> None:
    fields = re.findall(r"`(\w+)`", "\n".join(first_cells_of(producers_page, "| field | |")))
    assert fields == list(TranscriptSettled.model_fields)
    outcomes = first_cells(producers_page, "| `outcome` | meaning")
    assert {*outcomes} == {one.value for one in SettledOutcome}


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table that begins so, cell by cell."""
    lines = page[page.index(heading) :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def first_cells_of(page: str, heading: str) -> list[str]:
    """The first cell of each row of the table that begins so, as it stands."""
    return [row[0] for row in table(page, heading)]


def first_cells(page: str, heading: str) -> list[str]:
    return [row[0].strip("`") for row in table(page, heading)]
