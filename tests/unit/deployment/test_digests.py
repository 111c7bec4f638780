"""deploy/digests.sh pins what docker-compose.yml and the Dockerfile name, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "0123456789abcdef" * 4
REGISTRY = f"""#!/bin/sh
case "$1 $2" in
  "pull --quiet") exit 0 ;;
  "image inspect") echo "registry.example/library/image@{DIGEST}" ;;
esac
"""
NO_REGISTRY = '#!/bin/sh\n[ "$1" = pull ] || echo\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the files that name images, and a ``docker`` that answers as a registry's would."""
    (tmp_path / "deploy").mkdir()
    for name in ("docker-compose.yml", "deploy/Dockerfile", "deploy/digests.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    engine(tmp_path, REGISTRY)
    return tmp_path


def engine(tree: Path, script: str) -> None:
    docker = tree / "docker"
    docker.write_text(script, encoding="utf-8")
    docker.chmod(0o755)


def digests(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tree / "deploy" / "digests.sh", *words],
        env=os.environ | {"PATH": f"{tree}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_base_image_is_pinned_where_it_is_named(tree: Path) -> None:
    assert digests(tree).returncode == 0
    written = yaml.safe_load((tree / "deploy/digests.override.yml").read_text(encoding="utf-8"))
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    pinned = written["services"]
    for name in ("kafka", "postgres"):
        assert pinned[name]["image"] == f"{services[name]['image']}@{DIGEST}"
    base = pinned["topics"]["build"]["args"]["BASE"]
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert f"ARG BASE={base.removesuffix(f'@{DIGEST}')}\n" in dockerfile
    assert "build" in services["topics"], "which builds the image of all"
    foreign = {one["image"] for one in services.values() if not one["image"].startswith("onrecord")}
    assert len(foreign) == 2
    assert digests(tree, "--check").returncode == 0


def test_a_pin_of_another_tag_is_refused(tree: Path) -> None:
    assert digests(tree, "--check").returncode == 1
    digests(tree)
    compose = tree / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("image: postgres:18", "image: postgres:19"))
    checked = digests(tree, "--check")
    assert (checked.returncode, "no digest of postgres:19" in checked.stderr) == (1, True)


def test_an_image_that_was_made_here_has_no_digest(tree: Path) -> None:
    engine(tree, NO_REGISTRY)
    refused = digests(tree)
    assert (refused.returncode, "comes from no registry" in refused.stderr) == (1, True)
    assert not (tree / "deploy/digests.override.yml").exists()
