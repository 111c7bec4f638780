"""Inference engine: llama.cpp's own server in this process (from ``xllamacpp``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_model.weights import INSTALL, LocalModelError

LOOPBACK: Final = "127.0.0.1"
ERRORS_ONLY: Final = 1
"""Verbosity with which llama.cpp writes only errors to stderr."""


@dataclass(frozen=True)
class EngineSettings:
    """Settings of the inference engine: weights, context length, parallel calls, threads.

    Attributes:
        weights: the GGUF file.
        name: what the model is called in answers.
        context_tokens: question and answer together, of each call.
        parallel: calls answered at the same time; they share the threads.
        threads: threads that compute. They wait for one another at every step, so with one on
            each core, anything else that runs slows all of them down: on two cores with two busy
            neighbours, two threads wrote 1.5 tokens a second and one wrote 32.
    """

    weights: Path
    name: str
    context_tokens: int = 8_192
    parallel: int = 1
    threads: int = max(1, (os.cpu_count() or 1) // 2)


@contextmanager
def run_engine(settings: EngineSettings) -> Iterator[str]:
    """Run the model's inference engine on a free local port, for the duration of the context.

    Returns:
        The engine's origin, such as ``http://127.0.0.1:41234``.

    Raises:
        LocalModelError: the engine is not installed, or cannot load the weights.
    """
    try:
        # Not at the top: most installations do without, and it takes its time.
        from xllamacpp import CommonParams, Server  # noqa: PLC0415
    except ImportError as error:
        raise LocalModelError(f"the engine (xllamacpp) is not installed: {INSTALL}") from error
    params = CommonParams()
    params.model.path = str(settings.weights)
    params.model_alias = {settings.name}
    params.n_ctx = settings.context_tokens * settings.parallel
    params.n_parallel = settings.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.hostnames, params.port = [LOOPBACK], 0
    params.ui = params.endpoint_slots = False
    params.cache_ram_mib = 0  # prompts that were read are kept in their slot, and nowhere else
    params.verbosity = ERRORS_ONLY
    try:
        server = Server(params)
    except RuntimeError as error:
        raise LocalModelError(f"cannot load {settings.weights}: {error}") from error
    yield server.listening_address
    del server  # ends its threads
