"""The tree drawn above the error classes is the tree of the classes; every code has a branch."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from contracts import errors
from contracts.errors import ErrorCode, OnrecordError

DRAWN = re.compile(r"^    (?P<branch>[ │├└─]*)(?P<name>\w+Error)\b", re.MULTILINE)
ROOTS = [Path(__file__).parents[3] / root for root in ("libs", "services")]
NOT_TO_IMPORT = ("__main__", ".main")
SHARED = {ErrorCode.TIMEOUT}
"""Told by a message's own deadline that has passed, but also by work that took too long."""
STEP = 4
"""Characters by which a class is drawn further right than its parent."""


def packages() -> Iterator[str]:
    """The packages of this repository that raise errors."""
    for root in ROOTS:
        yield from (one.parent.name for one in root.glob("*/__init__.py"))


def drawn() -> Iterator[tuple[str, str | None]]:
    """Each class in the drawing, with the one it hangs from."""
    path: list[str] = []
    for match in DRAWN.finditer(errors.__doc__ or ""):
        depth = len(match["branch"]) // STEP
        del path[depth:]
        yield match["name"], path[-1] if path else None
        path.append(match["name"])


def defined() -> Iterator[tuple[str, str | None]]:
    """Each class of the module, with its parent."""
    for name, one in inspect.getmembers(errors, inspect.isclass):
        if issubclass(one, OnrecordError):
            parent = one.__base__
            assert parent is not None
            yield name, None if one is OnrecordError else parent.__name__


def test_the_drawing_shows_the_classes() -> None:
    assert dict(drawn()) == dict(defined())


def test_every_branch_has_a_code_of_its_own() -> None:
    branches = [one for one in vars(errors).values() if _is_branch(one)]

    codes = [branch.code for branch in branches]

    assert len(set(codes)) == len(codes)


def test_the_codes_are_lower_case_words() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in ErrorCode)


def test_an_error_can_carry_a_closer_code_than_its_class() -> None:
    error = errors.BadMessageError("too long", code=ErrorCode.TOO_LARGE)

    assert (error.code, errors.BadMessageError.code) == (
        ErrorCode.TOO_LARGE,
        ErrorCode.INVALID_EVENT,
    )


def test_a_throttled_error_says_how_long_to_wait() -> None:
    assert errors.ThrottledError("later", retry_after=2.5).retry_after == 2.5


def _everywhere(branch: type[OnrecordError]) -> Iterator[type[OnrecordError]]:
    """A class and all that derive from it, in whatever library or service."""
    yield branch
    for one in branch.__subclasses__():
        yield from _everywhere(one)


def test_what_no_replay_mends_are_the_codes_of_bad_messages_and_of_nothing_else() -> None:
    for name in packages():
        for module in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            if not module.name.endswith(NOT_TO_IMPORT):
                import_module(module.name)
    bad = {one.code for one in _everywhere(errors.BadMessageError)} - SHARED

    assert bad == errors.UNMENDABLE
    others = (errors.RetryableError, errors.ThrottledError, errors.ParkedError)
    mendable = {one.code for branch in others for one in _everywhere(branch)}
    assert not mendable & errors.UNMENDABLE


def _is_branch(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, OnrecordError) and one is not OnrecordError
