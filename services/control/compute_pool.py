"""A process for what takes the CPU for long, so that the event loop goes on serving others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from contracts.topics import MIB
from grounding.syntax.spacy_parser import load_spacy_parser
from personal_data import preload_models
from processes import TaskLimits, WorkerPool
from read_model.explanation import Compute
from spacy_models import is_spacy_installed

LIMITS: Final = TaskLimits(cpu_s=20, timeout_s=25, memory_bytes=512 * MIB)
"""What masking one page of segments, or checking one note again, may use."""


def call_function(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of a module, in the worker process."""
    return function(*args)


def load_models() -> None:
    """Load what masking and checks need, before the first task, so that it counts for none."""
    preload_models()
    if is_spacy_installed():
        load_spacy_parser()


@asynccontextmanager
async def run_compute_pool() -> AsyncIterator[Compute]:
    """Run a worker process, started when it is first needed, for the duration of the context.

    Calls raise what the function does, and ``processes.errors`` where that takes too much.
    """
    async with WorkerPool(
        call_function,
        processes=1,
        limits=LIMITS,
        doing="reading an interview",
        prepare=load_models,
    ) as pool:
        yield pool
