"""``onrecord contracts`` writes, checks and releases the schemas of a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from onrecord.cli import run_command

SCHEMAS = Path(__file__).parents[2] / "schemas"
TOPIC = "topics/chunks-ready.yaml"
RELEASED = "released/ChunkReady.v1.schema.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the schemas."""
    return Path(shutil.copytree(SCHEMAS, tmp_path / "schemas"))


def contracts(verb: str, folder: Path, *more: str) -> int:
    return run_command(["contracts", verb, "--schemas", str(folder), *more])


def break_the_released(folder: Path) -> None:
    """Let the released schema have a field that the contracts do not have."""
    file = folder / RELEASED
    schema = json.loads(file.read_text("utf-8"))
    schema["properties"]["colour"] = {"type": "string"}
    file.write_text(json.dumps(schema), "utf-8")


def test_check_agrees_with_what_is_written(folder: Path) -> None:
    assert contracts("check", folder) == 0


def test_check_names_the_files_that_differ(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / TOPIC).write_text("name: something-else\n", "utf-8")
    (folder / "asyncapi.yaml").unlink()
    (folder / "events" / "Old.schema.json").write_text("{}", "utf-8")

    assert contracts("check", folder, "--json") == 1

    assert json.loads(capsys.readouterr().out) == {
        "drift": {
            "asyncapi.yaml": "missing",
            "events/Old.schema.json": "left over",
            TOPIC: "differs",
        },
        "breaking": [],
    }


def test_check_tells_people_on_stderr_what_differs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / TOPIC).unlink()

    assert contracts("check", folder) == 1

    assert f"{TOPIC}: missing" in capsys.readouterr().err


def test_check_tells_what_breaks_the_released_schemas(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    break_the_released(folder)

    assert contracts("check", folder) == 1

    assert "ChunkReady.colour: was removed" in capsys.readouterr().err


def test_check_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert contracts("check", tmp_path / "nowhere") == 2


def test_write_mends_what_differs_and_leaves_the_rest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / TOPIC).unlink()
    (folder / "topics" / "old.yaml").write_text("name: old\n", "utf-8")

    assert contracts("write", folder, "--json") == 0

    assert json.loads(capsys.readouterr().out)["written"] == {
        TOPIC: "missing",
        "topics/old.yaml": "left over",
    }
    assert contracts("check", folder) == 0


def test_write_makes_a_folder_from_nothing(tmp_path: Path) -> None:
    assert contracts("write", tmp_path / "new") == 0
    assert contracts("check", tmp_path / "new") == 0


def test_release_takes_over_what_breaks_nothing(folder: Path) -> None:
    (folder / RELEASED).unlink()

    assert contracts("release", folder) == 0

    released, current = folder / RELEASED, folder / "events" / "ChunkReady.schema.json"
    assert released.read_text("utf-8") == current.read_text("utf-8")


def test_release_refuses_what_breaks_the_released_schemas(folder: Path) -> None:
    break_the_released(folder)
    before = (folder / RELEASED).read_text("utf-8")

    assert contracts("release", folder) == 1

    assert (folder / RELEASED).read_text("utf-8") == before
