"""Studies as people write them: in YAML files, in options, and in their editor."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter, ValidationError

from contracts.registry import CreateStudyRequest, RegisteredStudy, StudyInputs, StudyPolicies
from contracts.study import Identifier
from onrecord.console import err
from onrecord.errors import CommandError, UsageError
from onrecord.submit.files import read_yaml
from onrecord.text_editor import run_text_editor

_HEAD: Final = """\
# The study {study_id}, version {version}. Save and close to change it; nothing is changed if you
# change nothing here. Other names, themes, questions or languages make a new version.
"""


_DESCRIBED: Final = RegisteredStudy.model_fields.keys() - CreateStudyRequest.model_fields.keys()
"""Fields of a registered study that nobody sets, such as when it was changed."""


_STUDY_ID: Final[TypeAdapter[str]] = TypeAdapter(Identifier)
_SUFFIXES: Final = (".yaml", ".yml", ".json")


def is_study_id(text: str) -> bool:
    """Return whether a command's argument is a study id, and not a file name."""
    if Path(text).suffix.lower() in _SUFFIXES:
        return False
    try:
        _STUDY_ID.validate_python(text)
    except ValidationError:
        return False
    return True


def read_study_document(path: Path) -> dict[str, Any]:
    """Read the fields of a study from its YAML or JSON file.

    Raises:
        UsageError: the file cannot be read, or holds no fields.
    """
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise UsageError(f"{path}: not a study: it needs study_id, name and themes")
    return {str(name): value for name, value in document.items() if name not in _DESCRIBED}


def parse_theme_options(
    option: str, texts: Iterable[str] | None, field: str
) -> list[dict[str, str]] | None:
    """Parse options such as ``price=Price`` (id and name) to themes or questions.

    Args:
        option: its name, for messages.
        texts: what was given; None: nothing.
        field: the field that the part after ``=`` is.

    Raises:
        UsageError: one has no ``=``.
    """
    if not texts:
        return None
    pairs = []
    for text in texts:
        identifier, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"{option} {text!r}: write it as ID={field.upper()}")
        pairs.append({"id": identifier.strip(), field: value.strip()})
    return pairs


@contextmanager
def edit_study_in_text_editor(
    study: RegisteredStudy, environ: Mapping[str, str] = os.environ
) -> Iterator[tuple[dict[str, Any], Path]]:
    """Open a study in the user's text editor; yield the changed fields and the file.

    The file is deleted at the end of the context, unless what is done in it fails.

    Args:
        study: as it is registered.
        environ: names the editor: ``VISUAL``, else ``EDITOR``, else ``vi``.

    Raises:
        FailedError: the editor cannot be run or fails.
        UsageError: what was written is no YAML.
    """
    names = [*StudyInputs.model_fields, *StudyPolicies.model_fields]
    before = study.model_dump(mode="json", include=set(names))
    before = {name: before[name] for name in names}
    handle, name = tempfile.mkstemp(prefix=f"{study.study_id}-", suffix=".yaml")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_HEAD.format(study_id=study.study_id, version=study.version))
        yaml.safe_dump(before, file, sort_keys=False, allow_unicode=True)
    try:
        run_text_editor(path, environ)
        after = read_study_document(path)
        changes = {name: value for name, value in after.items() if before.get(name, ...) != value}
        # What is deleted from the file is unset, if it may be.
        yield changes | {name: None for name in before if name not in after}, path
    except CommandError:
        err.print(f"what you wrote is in {path}", markup=False)
        raise
    path.unlink()
