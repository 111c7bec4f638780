from pathlib import Path

import pytest

from database.errors import MigrationError
from database.migrate import read_migrations


def test_orders_the_files_of_all_folders_by_number(tmp_path: Path) -> None:
    for folder, file in (("a", "0003_c.sql"), ("b", "0001_a.sql"), ("a", "0002_b.sql")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).write_text("SELECT 1;")
    names = [str(one) for one in read_migrations([tmp_path / "a", tmp_path / "b"])]
    assert names == ["0001_a", "0002_b", "0003_c"]


def test_refuses_two_files_of_one_number(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1;")
    (tmp_path / "0001_b.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="0001_a and 0001_b share a number"):
        read_migrations([tmp_path])


def test_refuses_a_file_without_a_number(tmp_path: Path) -> None:
    (tmp_path / "notes.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"notes\.sql is not named like 0001_"):
        read_migrations([tmp_path])


def test_our_own_migrations_count_up_from_one() -> None:
    versions = [one.version for one in read_migrations()]
    assert versions == list(range(1, len(versions) + 1))
