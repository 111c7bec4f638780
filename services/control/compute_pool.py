"""A process for what takes the CPU for long, so that the event loop goes on serving others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from contracts.topics import MIB
from grounding.syntax.spacy_parser import load_spacy_parser
from personal_data import preload_models
from processes import TaskLimits, WorkerPool
from read_model.explanation import FunctionRunner
from spacy_models import is_spacy_installed

LIMITS: Final = TaskLimits(cpu_s=20, timeout_s=25, memory_bytes=512 * MIB)
"""What masking one page of segments, or checking one note again, may use."""


def call_function(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function with arguments; the task that the worker process runs."""
    return function(*args)


def load_models_for_worker() -> None:
    """Load the models for masking and checks in the worker process, before its first task."""
    preload_models()
    if is_spacy_installed():
        load_spacy_parser()


@asynccontextmanager
async def run_compute_pool() -> AsyncIterator[FunctionRunner]:
    """Context manager that runs a worker process for CPU-bound functions.

    Calls raise what the function does, and ``processes.errors`` where that takes too much.
    """
    async with WorkerPool(
        call_function,
        processes=1,
        limits=LIMITS,
        doing="reading an interview",
        prepare=load_models_for_worker,
    ) as pool:
        yield pool
