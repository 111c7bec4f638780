"""Files with secrets: whole, for their owner alone, and one for all who make it at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from configuration.private_files import read_or_create_private_file


def numbers() -> Iterator[str]:
    yield from map(str, range(1_000_000, 2_000_000))


def test_a_file_is_made_once_and_its_owners_alone(tmp_path: Path) -> None:
    file, secrets = tmp_path / "folder" / "secret", numbers()
    first = read_or_create_private_file(file, lambda: next(secrets))
    assert read_or_create_private_file(file, lambda: next(secrets)) == first
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [one.name for one in file.parent.iterdir()] == ["secret"]


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    for turn in range(20):
        file = tmp_path / f"secret-{turn}"
        generate = numbers().__next__
        with ThreadPoolExecutor(8) as threads:
            made = [threads.submit(read_or_create_private_file, file, generate) for _ in range(8)]
        assert {one.result() for one in made} == {file.read_text().strip()}


def test_what_is_killed_while_it_writes_leaves_no_file(tmp_path: Path) -> None:
    def killed() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_or_create_private_file(tmp_path / "secret", killed)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" \n")
    with pytest.raises(ValueError, match="is empty: delete it"):
        read_or_create_private_file(file, lambda: "x")
