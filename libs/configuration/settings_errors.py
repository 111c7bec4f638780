"""Tells people which settings are wrong, by the names of their variables, without the values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

WRONG_SETTINGS: Final = 2
"""Exit code of a process that cannot work with the settings it was given."""

P = ParamSpec("P")
R = TypeVar("R")


def complaints(error: ValidationError) -> tuple[str, ...]:
    """One line for each wrong setting, such as ``KAFKA_SSL_CAFILE: cannot read /ca.pem (…)``.

    Args:
        error: what a subclass of ``BaseSettings`` raised; values are never quoted, as they may be
            secrets.
    """
    prefix = next((_prefix(one) for one in _settings() if one.__name__ == error.title), "")
    told = error.errors(include_url=False, include_input=False, include_context=False)
    return tuple(_line(one, prefix) for one in told)


def exits_on_wrong_settings(main: Callable[P, R]) -> Callable[P, R]:
    """A process's ``main`` that ends with a line for each wrong setting, and exit code 2."""

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return main(*args, **kwargs)
        except ValidationError as error:
            if not any(one.__name__ == error.title for one in _settings()):
                raise
            sys.stderr.writelines(f"{line}\n" for line in complaints(error))
            # Without the cause, in which values might be told.
            raise SystemExit(WRONG_SETTINGS) from None

    return run


def _settings(among: type[BaseSettings] = BaseSettings) -> Iterator[type[BaseSettings]]:
    for one in among.__subclasses__():
        yield one
        yield from _settings(one)


def _prefix(settings: type[BaseSettings]) -> str:
    return str(settings.model_config.get("env_prefix", ""))


def _line(fault: ErrorDetails, prefix: str) -> str:
    told = "is not set" if fault["type"] == "missing" else fault["msg"]
    told = told.removeprefix("Value error, ")
    location = fault["loc"]
    if not location:
        return told
    field = str(location[0])
    # An alias is the variable's whole name already.
    name = field if field.isupper() else f"{prefix}{field}".upper()
    if told.startswith(name):
        return told
    # Behind the field stands the place in it, where it has several values.
    return ": ".join((name, *map(str, location[1:]), told))
