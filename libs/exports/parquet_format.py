"""Parquet: a typed, compressed table for data tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import Any, BinaryIO, Final

from exports.content import AddInterview, ExportedInterview, ExportedStudy
from exports.errors import MissingLibraryError
from exports.tables import COLUMNS, Cell, iter_rows

_ROWS_OF_A_GROUP: Final = 10_000
"""Rows that are in memory until they are written."""


@contextmanager
def open_parquet(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write Parquet with zstd; texts are strings, times are UTC in microseconds.

    Raises:
        MissingLibraryError: pyarrow is not installed.
    """
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingLibraryError(
            "Parquet takes a library: pip install 'onrecord[parquet]'"
        ) from error
    types = {str: arrow.string(), int: arrow.int64(), datetime: arrow.timestamp("us", tz="UTC")}
    schema = arrow.schema(
        [
            arrow.field(one.name, types[one.type], metadata={"meaning": one.meaning})
            for one in COLUMNS
        ]
    )
    rows: list[tuple[Cell, ...]] = []

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:

        def flush() -> None:
            columns = zip(*rows, strict=True)
            arrays = [
                arrow.array(column, field.type)
                for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            rows.clear()

        def add(interview: ExportedInterview) -> None:
            for row in iter_rows(study, interview):
                rows.append(row)
                if len(rows) == _ROWS_OF_A_GROUP:
                    flush()

        yield add
        if rows:
            flush()
