"""Messages about wrong settings, by the names of their environment variables, without values."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

WRONG_SETTINGS: Final = 2
"""Exit code of a process that cannot work with the settings it was given."""


def list_settings_errors(error: ValidationError) -> tuple[str, ...]:
    """Convert a settings error to lines such as ``KAFKA_SSL_CAFILE: cannot read /ca.pem``.

    Args:
        error: what a subclass of ``BaseSettings`` raised; values are never quoted, as they may be
            secrets.
    """
    prefix = next((_prefix(one) for one in _settings() if one.__name__ == error.title), "")
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return tuple(_line(one, prefix) for one in details)


@contextmanager
def exit_on_settings_errors() -> Iterator[None]:
    """Context manager that prints invalid settings, one line each, and exits with code 2."""
    try:
        yield
    except ValidationError as error:
        if not any(one.__name__ == error.title for one in _settings()):
            raise
        sys.stderr.writelines(f"{line}\n" for line in list_settings_errors(error))
        # Without the cause, whose text may contain values, and values may be secrets.
        raise SystemExit(WRONG_SETTINGS) from None


def _settings(among: type[BaseSettings] = BaseSettings) -> Iterator[type[BaseSettings]]:
    for one in among.__subclasses__():
        yield one
        yield from _settings(one)


def _prefix(settings: type[BaseSettings]) -> str:
    return str(settings.model_config.get("env_prefix", ""))


def _line(error: ErrorDetails, prefix: str) -> str:
    message = "is not set" if error["type"] == "missing" else error["msg"]
    message = message.removeprefix("Value error, ")
    location = error["loc"]
    if not location:
        return message
    field = str(location[0])
    # An alias is the variable's whole name already.
    name = field if field.isupper() else f"{prefix}{field}".upper()
    if message.startswith(name):
        return message
    # Behind the field stands the place in it, where it has several values.
    return ": ".join((name, *map(str, location[1:]), message))
