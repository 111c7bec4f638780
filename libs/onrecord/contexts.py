"""Named contexts: the systems that a user's commands are for, in the user's configuration folder.

A context is the address of control and a token, or a file that holds one. They are kept in
``$XDG_CONFIG_HOME/onrecord/contexts.json`` (``~/.config`` by default), which its owner alone may
read.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from configuration.private_files import PRIVATE, PRIVATE_FOLDER
from onrecord.errors import UsageError

CONTEXT_SETTING: Final = "ONRECORD_CONTEXT"
"""Names the context in use, in place of the one that ``onrecord context use`` chose."""

LOCAL: Final = "local"
"""The context of the local stack of the folder, or of Compose; it is no entry of the file."""

ContextName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]

_NAME: Final[TypeAdapter[str]] = TypeAdapter(ContextName)
_OTHERS: Final = 0o077
"""Bits of a file's mode by which others than its owner may use it."""


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """Values of the options that every command accepts, such as ``--context``.

    Attributes:
        context: the context that is asked; None: what the environment or the user's file says.
        reason: why something is asked for, for the trail; empty: what the environment says.
    """

    context: str | None = None
    reason: str = ""


_NO_OPTIONS: Final = GlobalOptions()
GIVEN_OPTIONS: Final[ContextVar[GlobalOptions]] = ContextVar(
    "onrecord_global_options", default=_NO_OPTIONS
)
"""The options of the command that runs."""


class NamedContext(BaseModel):
    """Saved context: URL of a system that commands are sent to, with its access token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    token: str = Field("", repr=False)
    token_file: str = ""


class ContextFile(BaseModel):
    """Contents of a user's context file: the saved contexts, and which one is current.

    Attributes:
        current: the one in use; None: the local stack's.
        contexts: by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    current: ContextName | None = None
    contexts: dict[ContextName, NamedContext] = Field(default_factory=dict)

    def find(self, name: str) -> NamedContext:
        """Return a context by its name.

        Raises:
            UsageError: there is none.
        """
        if (found := self.contexts.get(name)) is not None:
            return found
        known = ", ".join([LOCAL, *sorted(self.contexts)])
        raise UsageError(f"there is no context {name!r}; known: {known}")

    def put(self, name: str, context: NamedContext) -> Self:
        """Return the contexts with another one, in place of one of the same name."""
        return self.model_copy(update={"contexts": {**self.contexts, name: context}})

    def use(self, name: str) -> Self:
        """Return the contexts with another one in use.

        Raises:
            UsageError: there is none of that name.
        """
        if name != LOCAL:
            self.find(name)
        return self.model_copy(update={"current": None if name == LOCAL else name})

    def remove(self, name: str) -> Self:
        """Return the contexts without one.

        Raises:
            UsageError: there is none of that name.
        """
        self.find(name)
        left = {one: self.contexts[one] for one in self.contexts if one != name}
        current = None if self.current == name else self.current
        return self.model_copy(update={"contexts": left, "current": current})


def validate_context_name(name: str) -> str:
    """Validate a name for a new context, and return it; raise ``UsageError`` if invalid.

    Raises:
        UsageError: it is none, or that of the local stack's context.
    """
    if name == LOCAL:
        raise UsageError(f"{LOCAL!r} is the local stack's context: take another name")
    try:
        return _NAME.validate_python(name)
    except ValidationError as error:
        raise UsageError(
            f"{name!r} is no name of a context: letters, digits, '.', '_' and '-', at most 64"
        ) from error


def get_context_file_path(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the path of the user's context file, by the XDG specification; None if unknown.

    Args:
        environ: the environment, for ``XDG_CONFIG_HOME`` and ``HOME``; None without both.
    """
    folder = Path(environ.get("XDG_CONFIG_HOME", ""))
    if not folder.is_absolute():  # the specification says that it is to be ignored
        if not (home := environ.get("HOME")):
            return None
        folder = Path(home) / ".config"
    return folder / "onrecord" / "contexts.json"


def require_context_file_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the user's context file; raise ``UsageError`` if it is unknown.

    Raises:
        UsageError: nothing says where.
    """
    if (file := get_context_file_path(environ)) is None:
        raise UsageError("contexts are kept below XDG_CONFIG_HOME or HOME: set one of them")
    return file


def choose_context(environ: Mapping[str, str]) -> tuple[str, NamedContext | None]:
    """Return the name of the context to use, and the context; None if it is the local stack.

    Args:
        environ: the environment, for ``ONRECORD_CONTEXT``, and where the contexts are.

    Raises:
        UsageError: there is no such context, or the contexts cannot be read.
    """
    name = GIVEN_OPTIONS.get().context or environ.get(CONTEXT_SETTING) or None
    if name == LOCAL:
        return LOCAL, None
    file = get_context_file_path(environ)
    contexts = ContextFile() if file is None else load_contexts(file)
    name = name or contexts.current
    return (LOCAL, None) if name is None else (name, contexts.find(name))


def load_contexts(file: Path) -> ContextFile:
    """Load the user's context file; an absent file has no contexts.

    Raises:
        UsageError: others than its owner may read or change it, or it is damaged.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            found = os.fstat(opened.fileno())
            text = opened.read()
    except FileNotFoundError:
        return ContextFile()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read ({type(error).__name__})") from error
    if found.st_uid != os.getuid():
        raise UsageError(f"{file} belongs to another user; it is not used")
    if found.st_mode & _OTHERS:
        raise UsageError(f"{file} holds tokens, and others may use it: chmod 600 {file}")
    try:
        return ContextFile.model_validate_json(text)
    except ValidationError as error:
        raise UsageError(f"{file} is damaged: mend or delete it") from error


def save_contexts(file: Path, contexts: ContextFile) -> None:
    """Write the user's context file atomically, readable only by its owner.

    Raises:
        UsageError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(contexts.model_dump_json(indent=2, exclude_defaults=True) + "\n")
            written.flush()
            os.fsync(written.fileno())
        draft.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({type(error).__name__})") from error
    finally:
        with suppress(OSError):
            draft.unlink()
