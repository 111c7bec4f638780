"""Documents name what is there: files, folders, and what their examples import."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = sorted(
    path.parent for base in ("libs", "services") for path in (ROOT / base).glob("*/__init__.py")
)
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/*/*.md", "libs/*/*.md", "services/*/*.md")
    for path in ROOT.glob(pattern)
    if path.parent.name != "prompts"
)
TREE = re.compile(r"(?:deploy|docs|libs|samples|schemas|services|tests)/[\w./-]*")
"""A path from the root; one with a placeholder (``NNNN_``, ``<Event>``) is none."""


OURS = {package.name for package in PACKAGES}
EXAMPLE = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_each_library_and_service_has_a_readme(package: Path) -> None:
    lines = (package / "README.md").read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) >= 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_and_folders_that_a_document_names_are_there(document: Path) -> None:
    text = document.read_text("utf-8")
    named = {one for one in re.findall(r"`([^`\s]+)`", text) if TREE.fullmatch(one)}
    linked = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text)
    missing = [one for one in named if not (ROOT / one).exists() and "NNNN" not in one]
    missing += [one for one in linked if not (document.parent / one).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_what_an_example_imports_is_there(document: Path) -> None:
    for block in EXAMPLE.findall(document.read_text("utf-8")):
        for node in ast.walk(ast.parse(block)):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if isinstance(node, ast.ImportFrom) and module.split(".")[0] in OURS:
                there = import_module(module)
                assert not [one.name for one in node.names if not hasattr(there, one.name)]
