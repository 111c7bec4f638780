"""The file of a backup: a tar archive of compressed pieces, with a manifest at its end.

::

    tables/transcripts/000000.copy.zst     rows as COPY's text format has them, at most some MiB
    tables/transcripts/000001.copy.zst
    tables/segments/000000.copy.zst
    …
    manifest.json                          what is in the file: hashes, sizes, rows, offsets
    manifest.json.sha256                   of the manifest; a file without it is not whole

Standard tools read it: ``tar -xOf FILE tables/notes/000000.copy.zst | zstd -d``. Nothing is ever
unpacked into a folder, so names in the archive cannot lead anywhere.
"""

from __future__ import annotations

import io
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

import cramjam
from pydantic import ValidationError

from backup.errors import BackupFileError
from backup.manifest import BackupManifest, FilePart
from configuration.private_files import PRIVATE

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of rows after which a piece ends, with the row; before compression."""

MAX_PIECE_BYTES: Final = 1024 * 1024 * 1024
"""Most bytes of a piece, which is one row then: PostgreSQL's own limit of a value."""

MAX_MANIFEST_BYTES: Final = 256 * 1024 * 1024
"""Largest manifest that is read, in bytes."""

MANIFEST: Final = "manifest.json"
MANIFEST_HASH: Final = "manifest.json.sha256"

_COMPRESSION_LEVEL: Final = 3


class ArchiveWriter:
    """Writer of a backup's file, a table after the other.

    Args:
        file: open for writing, at its beginning.
    """

    def __init__(self, file: IO[bytes]) -> None:
        mode = tarfile.USTAR_FORMAT
        self._tar = tarfile.open(fileobj=file, mode="w", format=mode)  # noqa: SIM115 - ``finish`` closes it
        self.parts: list[FilePart] = []

    def add_piece(self, table: str, number: int, rows: bytes | bytearray) -> FilePart:
        """Add a piece of a table.

        Args:
            table: its name.
            number: of the piece in its table, from 0.
            rows: whole rows of COPY's text format.
        """
        compressed = bytes(cramjam.zstd.compress(rows, _COMPRESSION_LEVEL))
        part = FilePart(
            name=name_piece(table, number),
            size=len(compressed),
            content_size=len(rows),
            rows=rows.count(b"\n"),
            sha256=sha256(compressed).hexdigest(),
        )
        self._add(part.name, compressed)
        self.parts.append(part)
        return part

    def finish(self, manifest: BackupManifest) -> None:
        """Add the manifest, which makes the file whole."""
        document = manifest.model_dump_json(indent=1).encode()
        self._add(MANIFEST, document)
        self._add(MANIFEST_HASH, f"{sha256(document).hexdigest()}\n".encode())
        self._tar.close()

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), PRIVATE
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def open_new_file(target: Path, *, replaces: bool) -> Iterator[IO[bytes]]:
    """Open a file that only its owner may read; it takes its name when the context ends well.

    Args:
        target: its name.
        replaces: whether a file of that name is replaced.

    Raises:
        FileExistsError: there is one, and it is not to be replaced.
        OSError: it cannot be written.
    """
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            draft.replace(target)
        else:
            os.link(draft, target)
    finally:
        with suppress(OSError):
            draft.unlink()
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def verify_archive(
    file: IO[bytes], report: Callable[[int], None] = lambda _: None
) -> BackupManifest:
    """Read a whole backup, compare it with its manifest, and return the manifest.

    Args:
        file: open for reading.
        report: called with the bytes read so far.

    Raises:
        BackupFileError: it is no backup, is damaged or cut off, or has parts that it does not name.
    """
    found: list[tuple[str, int, str]] = []
    document, document_hash = b"", ""
    for name, content in _read_members(file):
        if name == MANIFEST:
            document = content
        elif name == MANIFEST_HASH:
            document_hash = content.decode("ascii", "replace").strip()
        else:
            found.append((name, len(content), sha256(content).hexdigest()))
        report(file.tell())
    if not document or not document_hash:
        raise BackupFileError("the file ends before its manifest: it was cut off, or is no backup")
    if sha256(document).hexdigest() != document_hash:
        raise BackupFileError("the file is damaged: its manifest has another hash")
    manifest = _parse_manifest(document)
    _compare(manifest, found)
    return manifest


def _compare(manifest: BackupManifest, found: list[tuple[str, int, str]]) -> None:
    named = [(one.name, one.size, one.sha256) for one in manifest.parts]
    for expected, part in zip(named, found, strict=False):
        if expected != part:
            raise BackupFileError(f"the file is damaged: {part[0]!r} is not what the manifest says")
    if len(named) != len(found):
        raise BackupFileError(
            f"the file is damaged: it has {len(found)} parts, and its manifest names {len(named)}"
        )
    rows = {table.name: 0 for table in manifest.tables}
    for one in manifest.parts:
        table = get_table_of_piece(one.name)
        if table not in rows:
            raise BackupFileError(f"the file is damaged: {one.name!r} is of no table that it names")
        rows[table] += one.rows
    for table_ in manifest.tables:
        if rows[table_.name] != table_.rows:
            raise BackupFileError(
                f"the file is damaged: it has {rows[table_.name]} rows of {table_.name}, and its "
                f"manifest says {table_.rows}"
            )


def read_pieces(file: IO[bytes], manifest: BackupManifest) -> Iterator[tuple[str, FilePart, bytes]]:
    """Yield the rows of each piece of a verified backup, with its table, and verify it once more.

    Args:
        file: open for reading, anywhere.
        manifest: its manifest.

    Raises:
        BackupFileError: the file has changed since it was verified.
    """
    parts = iter(manifest.parts)
    for name, content in _read_members(file):
        if name == MANIFEST:
            break
        part = next(parts, None)
        if part is None or part.name != name or sha256(content).hexdigest() != part.sha256:
            raise BackupFileError(f"{name!r} has changed while the file was read")
        yield get_table_of_piece(name), part, _decompress(part, content)
    if next(parts, None) is not None:
        raise BackupFileError("the file has become shorter while it was read")


def _decompress(part: FilePart, content: bytes) -> bytes:
    if part.content_size > MAX_PIECE_BYTES + PIECE_BYTES:
        raise BackupFileError(f"the file is damaged: {part.name!r} would be too large")
    room = bytearray(part.content_size)
    try:
        written = int(cramjam.zstd.decompress_into(content, room)) if room else 0
    except cramjam.DecompressionError as error:
        raise BackupFileError(
            f"the file is damaged: {part.name!r} cannot be decompressed"
        ) from error
    if written != part.content_size or room.count(b"\n") != part.rows:
        raise BackupFileError(f"the file is damaged: {part.name!r} has another length")
    return bytes(room)


def name_piece(table: str, number: int) -> str:
    """Return the name of a table's piece in the file."""
    return f"tables/{table}/{number:06}.copy.zst"


def get_table_of_piece(name: str) -> str:
    """Return which table a piece is of; empty if it is none."""
    folder, _, rest = name.partition("/")
    table, _, piece = rest.partition("/")
    return table if folder == "tables" and piece.endswith(".copy.zst") else ""


def _read_members(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # typeshed lacks it; it keeps each one
                if not member.isreg():
                    raise BackupFileError(f"the file has {member.name!r}, which is no part of one")
                limit = MAX_MANIFEST_BYTES if member.name == MANIFEST else MAX_PIECE_BYTES
                if member.size > limit:
                    raise BackupFileError(f"the file is damaged: {member.name!r} is too large")
                content = archive.extractfile(member)
                assert content is not None, "it is a regular file"
                yield member.name, _read_whole(content, member)
    except (tarfile.TarError, EOFError, OverflowError) as error:
        raise BackupFileError(f"the file is no backup, or damaged: {error}") from error


def _read_whole(content: IO[bytes], member: tarfile.TarInfo) -> bytes:
    try:
        read = content.read()
    except tarfile.ReadError as error:
        raise BackupFileError(f"the file is cut off in {member.name!r}") from error
    if len(read) != member.size:
        raise BackupFileError(f"the file is cut off in {member.name!r}")
    return read


def _parse_manifest(document: bytes) -> BackupManifest:
    try:
        return BackupManifest.model_validate_json(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BackupFileError(
            f"the backup's manifest is not understood ({where}: {first['msg']}): it may be of a "
            "newer onrecord"
        ) from error
