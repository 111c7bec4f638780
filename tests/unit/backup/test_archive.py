"""Files of backups: whole, or refused, whatever happened to them."""

from __future__ import annotations

import io
import random
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from backup.archive import (
    ArchiveWriter,
    get_table_of_piece,
    open_new_file,
    read_pieces,
    verify_archive,
)
from backup.errors import BackupFileError
from backup.manifest import BackedUpTable, BackupManifest

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TABLES = {
    "chunks": [b"1\tone\n2\ttwo\n", b"3\t\\N\n"],
    "empty": [],
    "notes": [b"a line\\nwith an escaped end\n"],
}


def write(pieces: dict[str, list[bytes]] | None = None) -> bytes:
    file = io.BytesIO()
    archive = ArchiveWriter(file)
    tables = []
    for table, contents in (TABLES if pieces is None else pieces).items():
        parts = [archive.add_piece(table, *one) for one in enumerate(contents)]
        rows, size = sum(one.rows for one in parts), sum(one.content_size for one in parts)
        tables.append(BackedUpTable(name=table, columns=("id",), rows=rows, size=size))
    archive.finish(manifest_of(archive, tables))
    return file.getvalue()


def manifest_of(archive: ArchiveWriter, tables: list[BackedUpTable]) -> BackupManifest:
    return BackupManifest(
        backup_id=UUID(int=7),
        onrecord="1",
        positions_read_at=NOON,
        snapshot_at=NOON,
        server_version="18",
        migrations=(),
        tables=tuple(tables),
        sequences=(),
        positions=(),
        parts=tuple(archive.parts),
    )


def test_what_is_written_is_read_again() -> None:
    file = io.BytesIO(write())
    manifest = verify_archive(file)
    assert {table.name: table.rows for table in manifest.tables} == {
        "chunks": 3,
        "empty": 0,
        "notes": 1,
    }
    read = [(table, rows) for table, _, rows in read_pieces(file, manifest)]
    assert read == [(table, rows) for table, pieces in TABLES.items() for rows in pieces]


def test_a_backup_of_empty_tables_is_whole() -> None:
    file = io.BytesIO(write({"chunks": [], "notes": []}))
    assert list(read_pieces(file, verify_archive(file))) == []


def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    whole = write()
    # Two empty blocks, and padding, end a tar archive; what they hold is nothing.
    end = len(whole.rstrip(b"\0")) - 1
    for length in [0, 1, *range(511, end, 397), end]:
        with pytest.raises(BackupFileError):
            verify_archive(io.BytesIO(whole[:length]))


def test_a_file_with_any_bit_changed_is_refused_or_says_the_same() -> None:
    whole = write()
    manifest, rows = verify_archive(io.BytesIO(whole)), list(TABLES.values())
    chance = random.Random(3)
    for _ in range(1_500):
        place = chance.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        file = io.BytesIO(bytes(damaged))
        try:
            found = verify_archive(file)
        except BackupFileError:
            continue
        assert found == manifest, place  # such as a bit of the padding between two parts
        read = [rows for _, _, rows in read_pieces(file, found)]
        assert read == [one for pieces in rows for one in pieces]


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"\0" * 10_240, b"PK\3\4" + b"x" * 2_000, b"\x1f\x8b" * 600]
)
def test_what_is_no_backup_is_refused(content: bytes) -> None:
    with pytest.raises(BackupFileError):
        verify_archive(io.BytesIO(content))


def test_a_part_that_no_manifest_names_is_refused() -> None:
    file = io.BytesIO(write())
    with tarfile.open(fileobj=file, mode="a:") as archive:
        more = tarfile.TarInfo("tables/notes/000009.copy.zst")
        more.size = 3
        archive.addfile(more, io.BytesIO(b"abc"))
    with pytest.raises(BackupFileError, match="names"):
        verify_archive(file)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_folders_are_refused(kind: bytes) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        odd = tarfile.TarInfo("../../etc/passwd")
        odd.type, odd.linkname = kind, "/etc/passwd"
        archive.addfile(odd)
    with pytest.raises(BackupFileError, match="no part of one"):
        verify_archive(file)


def test_a_manifest_of_a_newer_form_says_so() -> None:
    file = io.BytesIO()
    archive = ArchiveWriter(file)
    newer = manifest_of(archive, []).model_copy(update={"format": 2})
    archive.finish(newer)
    with pytest.raises(BackupFileError, match="newer onrecord"):
        verify_archive(file)


def test_a_file_that_changes_while_it_is_read_is_refused() -> None:
    whole = write()
    manifest = verify_archive(io.BytesIO(whole))
    other = write(TABLES | {"notes": [b"another note, as long as that\n"]})
    with pytest.raises(BackupFileError, match="changed"):
        list(read_pieces(io.BytesIO(other), manifest))


def test_pieces_are_told_by_their_names() -> None:
    assert get_table_of_piece("tables/notes/000000.copy.zst") == "notes"
    assert get_table_of_piece("manifest.json") == ""
    assert get_table_of_piece("tables/notes") == ""


def test_the_file_appears_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "b.backup"
    with open_new_file(target, replaces=False) as file:
        file.write(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["b.backup"]


def test_a_failure_leaves_no_file_and_keeps_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "b.backup"
    target.write_bytes(b"before")
    with pytest.raises(TypeError), open_new_file(target, replaces=True) as file:
        file.write("no bytes")  # type: ignore[call-overload]
    assert target.read_bytes() == b"before"
    with pytest.raises(FileExistsError), open_new_file(target, replaces=False) as file:
        file.write(b"other")
    assert target.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["b.backup"]
