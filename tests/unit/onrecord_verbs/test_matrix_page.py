"""A study's matrix as tables of a terminal and as CSV."""

from __future__ import annotations

import csv
from io import StringIO
from uuid import UUID

from rich.cells import cell_len

from onrecord.pages.matrix import Matrix, format_matrix, write_matrix_csv
from read_model.matrix import MatrixCell, MatrixInterview, MatrixTopic, MatrixTopicKind

TOPICS = (MatrixTopic("price", "Price"), MatrixTopic("trust", "Trust"), MatrixTopic("void", "Void"))


def interview(
    title: str, *cells: MatrixCell, stored: int = 2, **changes: object
) -> MatrixInterview:
    fields = {"not_asked": (), **changes}
    return MatrixInterview(UUID(int=1), 1, title, 2, stored, cells, **fields)  # type: ignore[arg-type]


def matrix(
    *interviews: MatrixInterview,
    topics: tuple[MatrixTopic, ...] = TOPICS,
    has_more: bool = False,
) -> Matrix:
    return Matrix("s", MatrixTopicKind.THEME, topics, interviews, has_more=has_more)


SMALL = matrix(
    interview("Ada", MatrixCell("price", 3, 2), MatrixCell("trust", 0, 1)),
    interview("Bo", MatrixCell("price", 12, 0), stored=1),
    interview("Cy", not_asked=("void",)),
)


def lines(of: Matrix, width: int = 80) -> list[str]:
    return [str(one) for one in format_matrix(of, width)]


def test_a_table_tells_findings_unproven_nothing_unread_and_not_asked_apart() -> None:
    table = [line.split() for line in lines(SMALL)[:5]]
    assert table == [
        ["1", "2", "3"],
        ["Ada", "3+2?", "1?", "·"],
        ["Bo", "12", "…", "…"],
        ["Cy", "·", "·", "-"],
        ["all", "15+2?", "1?", "…"],
    ]


def test_the_sum_of_empty_cells_proves_no_more_than_they_do() -> None:
    unread = matrix(interview("Ada", stored=1), interview("Bo", not_asked=("void",)))
    assert lines(unread)[3].split() == ["all", "…", "…", "…"]
    assert "  1  Price (price): no notes yet, 1 interview is not read whole" in lines(unread)
    several = matrix(interview("Ada", stored=1), interview("Bo", stored=0))
    assert "  2  Trust (trust): no notes yet, 2 interviews are not read whole" in lines(several)
    read = matrix(interview("Ada"), interview("Bo", not_asked=("void",)))
    assert lines(read)[3].split() == ["all", "·", "·", "·"]
    unasked = matrix(
        interview("Ada", stored=1, not_asked=("void",)), interview("Bo", not_asked=("void",))
    )
    assert lines(unasked)[3].split() == ["all", "…", "…", "-"]
    assert "  3  Void (void): no interview was asked for it" in lines(unasked)


def test_sums_of_a_part_of_the_interviews_say_so() -> None:
    part = matrix(interview("Ada", MatrixCell("price", 3, 2)), interview("Bo"), has_more=True)
    page = lines(part)
    assert page[3].split() == ["first", "2", "3+2?", "·", "·"]
    said = "  1  Price (price): 3 findings and 2 not proven, in 1 of the first 2 interviews"
    assert said in page
    assert "  3  Void (void): no notes in the first 2 interviews" in page


def test_each_topic_is_named_with_its_sums_and_so_is_one_without_notes() -> None:
    page = lines(SMALL)
    assert "  1  Price (price): 15 findings and 2 not proven, in 2 of 3 interviews" in page
    assert "  3  Void (void): no notes yet, 1 interview is not read whole" in page
    assert "  3  Void (void): no notes" in lines(matrix(interview("Ada")))


def test_columns_that_do_not_fit_stand_in_a_table_of_their_own_and_no_line_is_too_long() -> None:
    topics = tuple(MatrixTopic(f"theme-{n}", "A long name " * 9) for n in range(40))
    cells = tuple(MatrixCell(one.id, 123, 45) for one in topics)
    wide = matrix(interview("漢字" * 30, *cells), interview("x" * 99), topics=topics)
    page = lines(wide)
    assert max(map(cell_len, page)) <= 80
    assert sum(line.startswith("漢字") for line in page) > 5
    numbers = [one for line in page if line.startswith(" " * 30) for one in line.split()]
    assert [*map(int, numbers)] == [*range(1, 41)]


def test_a_title_cannot_disturb_the_terminal() -> None:
    assert not any("\x1b" in line for line in lines(matrix(interview("\x1b[31m\nred"))))


def test_csv_has_two_columns_a_topic_and_nothing_that_a_spreadsheet_computes() -> None:
    file = StringIO(newline="")
    found = matrix(interview("=1+1", MatrixCell("price", 3, 2), not_asked=("void",)))
    write_matrix_csv(found, file)
    (row,) = csv.DictReader(StringIO(file.getvalue(), newline=""))
    assert row["title"] == "'=1+1"
    assert (row["price: findings"], row["price: unproven"]) == ("3", "2")
    assert (row["trust: findings"], row["void: findings"]) == ("0", "")


def test_csv_has_no_zero_of_an_interview_that_is_not_read_whole() -> None:
    file = StringIO(newline="")
    found = matrix(interview("Ada", MatrixCell("price", 3, 0), stored=1))
    write_matrix_csv(found, file)
    (row,) = csv.DictReader(StringIO(file.getvalue(), newline=""))
    assert (row["price: findings"], row["price: unproven"]) == ("3", "")
    assert (row["trust: findings"], row["trust: unproven"]) == ("", "")
    assert (row["chunks"], row["stored"]) == ("2", "1")
