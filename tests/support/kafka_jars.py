"""Apache Kafka's jars, downloaded once from the Maven repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOY: Final = ROOT / "deploy" / "kafka"
POM: Final = DEPLOY / "pom.xml"
FETCH_TIMEOUT_S: Final = 600


class KafkaMissingError(Exception):
    """Apache Kafka is not available on this machine."""


def kafka_version() -> str:
    """Return the release that ``deploy/kafka/pom.xml`` pins."""
    found = ET.parse(POM).findtext("{*}properties/{*}kafka.version")
    assert found is not None
    return found


def java() -> str:
    """Return the path of Java for Kafka: from ``JAVA_HOME``, or the first on the path.

    Raises:
        KafkaMissingError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise KafkaMissingError("Apache Kafka needs Java 17 or newer (on Debian: openjdk-17-jre)")
    return found


def jars() -> Path:
    """Return the folder with all jars of the class path; download them at the first call.

    It is kept under ``ONRECORD_CACHE``, or else under ``.onrecord/cache`` in the project, and
    fetched again when the pom changes.

    Raises:
        KafkaMissingError: they are not here and Maven is missing, or cannot fetch them.
    """
    java()
    folder = cache_folder() / f"kafka-{kafka_version()}"
    if not _is_current(folder):
        _fetch(folder)
    return folder


def cache_folder() -> Path:
    return Path(os.environ.get("ONRECORD_CACHE") or ROOT / ".onrecord" / "cache").absolute()


def _is_current(folder: Path) -> bool:
    kept = folder / POM.name
    return kept.is_file() and kept.read_bytes() == POM.read_bytes()


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissingError("fetching Apache Kafka needs Maven (on Debian: maven)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as name:
        fresh = Path(name) / "jars"
        _copy_dependencies(maven, fresh)
        shutil.copy(POM, fresh)
        _put(fresh, folder)


def _copy_dependencies(maven: str, into: Path) -> None:
    command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    try:
        subprocess.run(
            [*command, f"-DoutputDirectory={into}", "-DincludeScope=runtime"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=FETCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise KafkaMissingError(f"Maven fetched for {FETCH_TIMEOUT_S} s in vain") from error
    except subprocess.CalledProcessError as error:
        raise KafkaMissingError(f"Maven cannot fetch Apache Kafka:\n{error.stdout}") from error


def _put(fresh: Path, folder: Path) -> None:
    """Rename into place atomically; the second of two concurrent downloads is discarded."""
    if folder.is_dir() and not _is_current(folder):
        shutil.rmtree(folder)
    try:
        fresh.rename(folder)
    except OSError:
        if not _is_current(folder):
            raise
