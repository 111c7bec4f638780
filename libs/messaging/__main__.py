"""``python -m messaging topics create``: create the declared topics on the broker."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from configuration import command_line
from configuration.settings_errors import WRONG_SETTINGS, list_settings_errors
from contracts.topics import ALL_TOPICS
from messaging.kafka.admin import create_topics, disable_topic_auto_creation, wait_for_broker
from messaging.kafka.connection_errors import KafkaUnavailableError, silence_connection_warnings
from messaging.settings import KafkaSettings

_EXAMPLE: Final = "example: KAFKA_BOOTSTRAP_SERVERS=kafka:9092 python -m messaging topics create"

app: Final = command_line.build_command_line("What onrecord needs of a broker.", epilog=_EXAMPLE)
topics: Final = typer.Typer(help="The topics onrecord declares.")
app.add_typer(topics, name="topics")

Replication = Annotated[int, typer.Option(min=1, help="Copies of each partition.")]
Timeout = Annotated[float, typer.Option(min=0, help="Seconds to wait for a broker.")]
NoAutoCreate = Annotated[
    bool,
    typer.Option(
        "--no-auto-create",
        help="Have the broker refuse topics that do not exist, in place of creating them, if its "
        "setting auto.create.topics.enable can be changed while it runs.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m messaging``, which creates the topics, and return the exit code.

    Returns:
        0 done, 1 the broker refused a topic, 2 wrong usage or settings, 3 no broker answers.
    """
    return command_line.run_command_line(app, arguments, program="python -m messaging")


@topics.callback()
def _topics() -> None:
    """The topics onrecord declares."""


@topics.command("create", epilog=_EXAMPLE)
def _create(
    *,
    replication: Replication = 1,
    timeout: Timeout = 30.0,
    no_auto_create: NoAutoCreate = False,
    json_: AsJson = False,
) -> int:
    """Create the topics onrecord declares; those that exist are left alone."""
    silence_connection_warnings()
    try:
        created = asyncio.run(_created(replication, timeout, refuse_others=no_auto_create))
    except ValidationError as error:
        print(*list_settings_errors(error), sep="\n", file=sys.stderr)
        return WRONG_SETTINGS
    except KafkaUnavailableError as error:
        print(error, file=sys.stderr)
        return 3
    except KafkaError as error:
        print(f"the broker refused: {error}", file=sys.stderr)
        return 1
    existing = len(ALL_TOPICS) - len(created)
    if json_:
        print(json.dumps({"created": created, "existing": existing}))
    else:
        print(f"{len(created)} topics created, {existing} were there")
    return 0


async def _created(replication: int, timeout_s: float, *, refuse_others: bool) -> tuple[str, ...]:
    kafka = KafkaSettings()
    await wait_for_broker(kafka, timeout_s)
    if refuse_others:
        try:
            await disable_topic_auto_creation(kafka)
        except KafkaError as error:
            # Apache Kafka reads this setting at its start only; its own configuration decides.
            print(f"left as the broker has it: {error}", file=sys.stderr)
    return await create_topics(kafka, ALL_TOPICS, replication=replication)


if __name__ == "__main__":
    sys.exit(main())
