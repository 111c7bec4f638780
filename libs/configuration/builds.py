"""Which build a process runs: version of the package, digest of its sources, commit."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DISTRIBUTION: Final = "onrecord"

DIGEST_LENGTH: Final = 12
"""Hex digits that are kept of a digest: enough to tell builds apart."""

MAX_LENGTH: Final = 64
"""Characters that are kept of a version, and of a commit."""

SUFFIXES: Final = frozenset({".json", ".md", ".py", ".sql"})
"""Of files that decide what a service does: code, queries and prompts."""


class BuildSettings(BaseSettings):
    """Settings that state the commit from which this container image was built."""

    model_config = SettingsConfigDict(env_prefix="ONRECORD_", frozen=True)

    commit: str = Field(
        "",
        description="The commit of the sources that run, as `onrecord dlq cause` shows it; an "
        "image has it that was built with `--build-arg COMMIT=…`.",
    )


@dataclass(frozen=True, slots=True)
class Build:
    """Identity of the code that a service runs: version, digest of the sources, and commit.

    Attributes:
        version: of the package; empty if it is not installed.
        digest: the same for the same sources beside the same versions of Python and of all that is
            installed.
        commit: of the sources; empty if nobody said.
    """

    version: str
    digest: str
    commit: str


def read_build(packages: Iterable[Path]) -> Build:
    """Return the version, source digest and commit that this process runs; takes 0.1 seconds.

    Args:
        packages: folders of the packages whose sources count.
    """
    try:
        version = distribution(DISTRIBUTION).version[:MAX_LENGTH]
    except PackageNotFoundError:
        version = ""
    return Build(version, compute_build_digest(packages), BuildSettings().commit[:MAX_LENGTH])


def list_imported_packages() -> list[Path]:
    """Return the folders of those of onrecord's own packages that are imported by now."""
    names = _list_installed_packages()
    libraries = Path(__file__).parents[1]
    found = []
    for name, module in sys.modules.items():
        file = getattr(module, "__file__", None)
        if "." in name or not file or Path(file).name != "__init__.py":
            continue
        folder = Path(file).parent
        # In a checkout, services lie beside the folder of the libraries.
        is_own = name in names if names else folder.parent.parent == libraries.parent
        if is_own:
            found.append(folder)
    return sorted(found)


def compute_build_digest(packages: Iterable[Path]) -> str:
    """Compute a digest of packages' sources and of the versions of all installed packages."""
    digest = hashlib.sha256()
    for part in _list_parts(packages):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:DIGEST_LENGTH]


def _list_parts(packages: Iterable[Path]) -> Iterator[bytes]:
    yield platform.python_version().encode()
    yield from sorted({f"{one.name}=={one.version}".encode() for one in distributions()})
    for package in packages:
        for file in sorted(package.rglob("*")):
            if file.suffix in SUFFIXES and file.name != "README.md":
                yield file.relative_to(package.parent).as_posix().encode()
                yield file.read_bytes()


def _list_installed_packages() -> frozenset[str]:
    """Return the packages of the installed wheel; none in a checkout."""
    try:
        files = distribution(DISTRIBUTION).files or ()
    except PackageNotFoundError:
        return frozenset()
    return frozenset(one.parts[0] for one in files if one.parts[1:] == ("__init__.py",))
