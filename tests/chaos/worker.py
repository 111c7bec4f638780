"""One replica of the stage that chaos rounds torment: ``python -m chaos.worker``.

The environment tells it what to do; it kills itself where that is due. Those points are put around
methods of the client and the publisher, so that what runs is ``libs/messaging`` as it is.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from chaos.crashes import Crashes, Point, due_from_text
from chaos.fates import End, Fate, Try, fate
from contracts.errors import (
    BadMessageError,
    ErrorCode,
    OutageError,
    RetryableError,
    ThrottledError,
)
from contracts.events import ChunkReady, NotesStored
from contracts.topics import CHUNKS_READY
from messaging import Delivery, Headers, Outgoing, Publisher, StageSettings, run_service
from messaging.consumer.consumer import StageConsumer
from support.broker import PROBE
from support.on_faststream import application_of, broker_of
from support.stages import Stage

SEED: Final = "ONRECORD_CHAOS_ROUND_SEED"
FOLDER: Final = "ONRECORD_CHAOS_FOLDER"
CRASHES: Final = "ONRECORD_CHAOS_CRASHES"
EFFECTS: Final = "effects"
OUTAGE: Final = "outage"
"""While there is a file of this name, what the handler depends on is down."""
REFUSALS: Final = "refusals"
"""The file that tells which process has called during an outage."""
HANG_S: Final = 2.5


def stage_of(seed: str, folder: Path, crashes: Crashes) -> Stage:
    """The stage: chunks in, news of stored notes out, with one line in the effects file each."""
    stage = Stage(PROBE)
    effects, refusals = (_appending(folder / name) for name in (EFFECTS, REFUSALS))

    @stage.on(CHUNKS_READY)
    async def store(chunk: ChunkReady, delivery: Delivery) -> NotesStored:
        it = fate(seed, chunk.index)
        await asyncio.sleep(it.latency_s)
        crashes.passing(Point.IN_HANDLER)
        if (folder / OUTAGE).exists():
            os.write(refusals, f"{os.getpid()}\n".encode())
            raise OutageError("down, as the round has it", code=ErrorCode.LLM_UNAVAILABLE)
        if it.retry_after_s and _is_first(folder / f"throttled-{chunk.index}"):
            raise ThrottledError("later, by the seed", retry_after=it.retry_after_s)
        await _meet(it, delivery.attempts)
        os.write(effects, f"{chunk.index} {os.getpid()}\n".encode())
        return NotesStored(
            transcript_id=chunk.transcript_id,
            revision=chunk.revision,
            study_id=chunk.study.study_id,
            chunk_id=chunk.chunk_id,
        )

    return stage


async def _meet(it: Fate, attempts: int) -> None:
    """Let a try after so many failed ones end as its fate has it; return if that is well."""
    if attempts < len(it.before):
        if it.before[attempts] is Try.HANGS:
            # A stage with a later deadline meets a caller that gives up by itself.
            await asyncio.wait_for(asyncio.Event().wait(), HANG_S)
        raise RetryableError("not yet, by the seed")
    match it.end:
        case End.BAD:
            raise BadMessageError("past help, by the seed", code=ErrorCode.MALFORMED_TRANSCRIPT)
        case End.BUG:
            raise ZeroDivisionError("a bug, by the seed")
        case End.POISON:
            raise OutageError("its row is too large", code=ErrorCode.DATABASE_UNAVAILABLE)
        case End.FAILING:
            raise RetryableError("never, by the seed", code=ErrorCode.LLM_BAD_OUTPUT)
        case End.LATE:
            await asyncio.Event().wait()


def _appending(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _is_first(path: Path) -> bool:
    """Whether nobody was here before; true once in a round, for whichever replica."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def wrap_consumer(crashes: Crashes) -> None:
    """Have every consumer of this process pass the points of fetching and committing."""
    getmany, commit = AIOKafkaConsumer.getmany, AIOKafkaConsumer.commit

    @wraps(getmany)
    async def fetch(*args: Any, **options: Any) -> Any:
        batches = await getmany(*args, **options)
        if batches:
            crashes.passing(Point.AFTER_FETCH)
        return batches

    @wraps(commit)
    async def commit_offsets(*args: Any, **options: Any) -> None:
        crashes.passing(Point.BEFORE_COMMIT)
        await commit(*args, **options)
        crashes.passing(Point.AFTER_COMMIT)

    AIOKafkaConsumer.getmany, AIOKafkaConsumer.commit = fetch, commit_offsets


def wrap_publisher(publisher: Publisher, crashes: Crashes) -> None:
    """Have the publisher pass the points before and after what it sends."""
    send, forward = publisher.send, publisher.forward

    async def send_events(
        events: Sequence[Outgoing], callback: Callable[[Exception | None], None], **options: Any
    ) -> None:
        def told(error: Exception | None) -> None:
            if error is None:
                crashes.passing(Point.AFTER_RESULT)
            callback(error)

        crashes.passing(Point.AFTER_HANDLER)
        await send(events, told, **options)

    async def forward_record(
        topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> None:
        await forward(topic, key, value, headers)
        dead = topic.endswith("-dlq")
        crashes.passing(Point.AFTER_DLQ_WRITE if dead else Point.AFTER_RETRY_WRITE)

    publisher.send = send_events  # type: ignore[method-assign]  # the seam the points are put at
    publisher.forward = forward_record  # type: ignore[method-assign]  # as above


def tell_state() -> None:
    """Write to the log what this process holds, for whoever has to find out why it stands still."""
    consumers = [one for one in gc.get_objects() if isinstance(one, StageConsumer)]
    for one in consumers:
        for name, what in one.describe().items():
            sys.stderr.write(f"{name}: {what}\n")
    for task in asyncio.all_tasks():
        task.print_stack(limit=6, file=sys.stderr)
    sys.stderr.flush()


def main() -> None:
    """Work until SIGTERM, or until a crash point is due."""
    folder, seed = Path(os.environ[FOLDER]), os.environ[SEED]
    crashes = Crashes(due_from_text(os.environ[CRASHES]), folder)
    wrap_consumer(crashes)

    def wrap(publisher: Publisher) -> None:
        # Who was assigned what, and when, is what one wants to know of a round that failed.
        logging.getLogger("aiokafka.consumer").setLevel(logging.INFO)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell_state)
        wrap_publisher(publisher, crashes)

    settings = StageSettings(_env_prefix=f"{PROBE.upper()}_")
    stage = stage_of(seed, folder, crashes)
    run_service(application_of(broker_of(stage, settings), stage, wrap))


if __name__ == "__main__":
    main()
