"""The digest of a build: the same for the same sources, another one for any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from configuration import builds
from configuration.builds import (
    compute_build_digest,
    list_imported_packages,
    read_build,
)


def write_package(folder: Path, **files: str) -> Path:
    package = folder / "stove"
    package.mkdir(parents=True)
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (package / f"{stem}.{suffix}").write_text(text, "utf-8")
    return package


def test_the_same_sources_have_the_same_digest_wherever_they_lie(tmp_path: Path) -> None:
    here, there = (
        write_package(tmp_path / name, hob_py="heat()", hob_sql="SELECT 1") for name in ("a", "b")
    )
    digest = compute_build_digest([here])
    assert compute_build_digest([there]) == digest
    (there / "README.md").write_text("about it", "utf-8")
    (there / "__pycache__").mkdir()
    (there / "__pycache__" / "hob.pyc").write_bytes(b"0")
    assert compute_build_digest([there]) == digest


@pytest.mark.parametrize("name", ["hob.py", "hob.sql", "notes-2/instructions.md", "examples.json"])
def test_a_changed_moved_or_added_file_is_another_build(tmp_path: Path, name: str) -> None:
    package = write_package(tmp_path, hob_py="heat()", hob_sql="SELECT 1")
    before = compute_build_digest([package])
    file = package / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("cool()", "utf-8")
    changed = compute_build_digest([package])
    file.rename(file.with_name(f"other{file.suffix}"))
    assert len({before, changed, compute_build_digest([package])}) == 3


def test_another_version_of_a_library_is_another_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_package(tmp_path / "own", hob_py="heat()")
    digests = set()
    for version in ("1.0", "1.1"):
        installed = tmp_path / version / "hobs-1.dist-info"
        installed.mkdir(parents=True)
        (installed / "METADATA").write_text(f"Name: hobs\nVersion: {version}\n", "utf-8")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(installed.parent)
            digests.add(compute_build_digest([package]))
    assert len(digests) == 2


def test_own_packages_that_are_imported_count_and_no_others() -> None:
    names = {one.name for one in list_imported_packages()}
    assert "configuration" in names
    assert not names & {"pytest", "pydantic"}


def test_an_installed_wheel_has_the_packages_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "onrecord-7.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: onrecord\nVersion: 7\n", "utf-8")
    (installed / "RECORD").write_text(
        "configuration/__init__.py,,\nconfiguration/builds.py,,\ncontracts/__init__.py,,\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = {one.name for one in list_imported_packages()}
    assert found <= {"configuration", "contracts"}
    assert "configuration" in found
    assert read_build([]).version == "7"


def test_the_commit_is_what_the_image_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONRECORD_COMMIT", raising=False)
    assert read_build([]).commit == ""
    monkeypatch.setenv("ONRECORD_COMMIT", "3fa9c2d17b5e" + "x" * 100)
    assert read_build([]).commit == ("3fa9c2d17b5e" + "x" * 100)[: builds.MAX_LENGTH]
