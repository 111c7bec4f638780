"""An unforeseen failure of a computation over one message is that message's, and quotes nothing."""

from __future__ import annotations

import pickle

import pytest

from contracts.content_bugs import MAX_FRAMES, convert_bugs_triggered_by_message
from contracts.errors import BadMessageError, BugTriggeredByMessageError, ErrorCode, RetryableError

SECRET = "SECRETWORDS"


def fail(error: BaseException) -> None:
    with convert_bugs_triggered_by_message("reading"):
        raise error


def deep(depth: int = 0) -> int:
    return deep(depth + 1)


@pytest.mark.parametrize(
    "error", [TypeError(SECRET), KeyError(SECRET), RecursionError(), OSError(22, SECRET)]
)
def test_what_nobody_foresaw_is_told_by_its_kind_and_place(error: Exception) -> None:
    with pytest.raises(BugTriggeredByMessageError) as raised:
        fail(error)
    failure = raised.value
    kind = type(error).__name__
    assert (failure.code, failure.kind) == (ErrorCode.BUG, kind)
    assert failure.frames[0].startswith("test_content_bugs.py:")
    place = failure.frames[0].split()[0]
    assert str(failure) == f"reading failed unexpectedly ({kind} at {place})"
    assert SECRET not in f"{failure!r}{failure.__dict__}"


def test_it_comes_whole_out_of_a_process() -> None:
    with pytest.raises(BugTriggeredByMessageError) as raised:
        fail(TypeError(SECRET))
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (str(copied), copied.kind, copied.frames) == (
        str(raised.value),
        raised.value.kind,
        raised.value.frames,
    )


def test_an_endless_recursion_is_told_in_few_frames() -> None:
    with (
        pytest.raises(BugTriggeredByMessageError) as raised,
        convert_bugs_triggered_by_message("reading"),
    ):
        deep()
    assert len(raised.value.frames) == MAX_FRAMES


@pytest.mark.parametrize(
    "error",
    [
        BadMessageError("bad"),
        RetryableError("later"),
        MemoryError(),  # the process' bounds tell what that means
        ModuleNotFoundError("a library is not installed"),
        TimeoutError(),
        KeyboardInterrupt(),
    ],
)
def test_what_is_foreseen_or_no_contents_doing_stays_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        fail(error)
    assert raised.value is error
