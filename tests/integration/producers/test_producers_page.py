"""docs/producers.md is complete and true; its programs run here and in the tests beside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from contracts.errors import ErrorCode
from contracts.events import TranscriptSubmitted
from contracts.topics import PIPELINE
from support.pipeline import Pipeline
from support.waiting import until

RUN: Final = {"submit.sh", "stored.sh", "letters.sh", "submit.mjs", "stored.mjs", "submit.py"}
"""Programs that these tests run; one that is not among them would rot."""


def test_every_program_on_the_page_is_run_by_a_test(
    producers_page: str, programs: dict[str, str]
) -> None:
    fences = re.findall(r"^```(?:sh|js|python).*$", producers_page, re.MULTILINE)

    assert programs.keys() == RUN
    assert len(fences) == len(programs)


async def test_the_python_program_hands_an_interview_in(
    pipeline: Pipeline, run_python: Any
) -> None:
    done = run_python("submit.py")

    assert done.returncode == 0, done.stderr
    query = "SELECT statement FROM notes WHERE transcript_id = $1"

    async def look() -> bool:
        return bool(await pipeline.rows(query, done.stdout.strip()))

    await until(look, within_s=60)


def test_the_table_of_fields_names_all_of_them(producers_page: str) -> None:
    assert first_cells(producers_page, "| field of the value") == list(
        TranscriptSubmitted.model_fields
    )


def test_the_table_of_faults_names_services_and_codes(producers_page: str) -> None:
    for row in table(producers_page, "| what you sent"):
        _, service, code = row
        assert service in PIPELINE
        assert code.strip("`") in {one.value for one in ErrorCode}


def test_the_page_names_the_release_that_is_tested(producers_page: str) -> None:
    package: dict[str, Any] = json.loads((Path(__file__).parent / "node/package.json").read_bytes())
    ((name, version),) = package["dependencies"].items()

    assert f"npm install {name}@{version}" in producers_page


def test_the_lock_names_no_registry() -> None:
    lock = (Path(__file__).parent / "node" / "package-lock.json").read_text("utf-8")

    assert '"resolved"' not in lock


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table that begins so, cell by cell."""
    lines = page[page.index(heading) :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def first_cells(page: str, heading: str) -> list[str]:
    return [row[0].strip("`") for row in table(page, heading)]
