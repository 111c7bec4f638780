from pathlib import Path

import pytest

from database.errors import QueryFileError
from database.queries import load_queries


def written(folder: Path, text: str, name: str = "some.sql") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_finds_each_query_by_its_name(tmp_path: Path) -> None:
    queries = load_queries(
        written(
            tmp_path,
            "-- name: first\n-- Says one.\nSELECT 1;\n\n"
            "-- name: second\n-- Says two.\nSELECT 2\n  FROM two;\n",
        )
    )
    assert list(queries) == ["first", "second"]
    assert queries.first == "SELECT 1;"
    assert queries.second == "SELECT 2\n  FROM two;"


def test_reads_several_files(tmp_path: Path) -> None:
    one = written(tmp_path, "-- name: one\n-- Says one.\nSELECT 1;", "one.sql")
    two = written(tmp_path, "-- name: two\n-- Says two.\nSELECT 2;", "two.sql")
    assert list(load_queries(one, two)) == ["one", "two"]


def test_names_the_queries_there_are_when_one_is_not(tmp_path: Path) -> None:
    queries = load_queries(written(tmp_path, "-- name: first\n-- Says one.\nSELECT 1;"))
    with pytest.raises(QueryFileError, match="no query is named 'frist'; there are first"):
        _ = queries.frist


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT 1;", "no line begins with '-- name:'"),
        ("-- name: a\n-- A.\nSELECT 1;\n-- name: a\n-- B.\nSELECT 2;", "two queries named 'a'"),
        ("-- name: Get All\n-- A.\nSELECT 1;", "'Get All' is no lower-case identifier"),
        ("-- name: a\nSELECT 1;", "no line that says what it does"),
        ("-- name: a\n--\nSELECT 1;", "no line that says what it does"),
        ("-- name: a\n-- Says nothing.\n", "has no SQL"),
    ],
)
def test_refuses_a_file_that_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(QueryFileError, match=complaint):
        load_queries(written(tmp_path, text))


def test_refuses_one_name_in_two_files(tmp_path: Path) -> None:
    one = written(tmp_path, "-- name: same\n-- Says one.\nSELECT 1;", "one.sql")
    two = written(tmp_path, "-- name: same\n-- Says two.\nSELECT 2;", "two.sql")
    with pytest.raises(QueryFileError, match=r"two\.sql: there are two queries named 'same'"):
        load_queries(one, two)
