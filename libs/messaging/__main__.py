"""``python -m messaging topics create``: create the declared topics on the broker."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from configuration.settings_errors import WRONG_SETTINGS, list_settings_errors
from contracts.topics import ALL_TOPICS
from messaging.kafka.admin import create_topics, forbid_auto_creation, wait_for_broker
from messaging.kafka.connection_errors import KafkaUnavailableError, quieten_client
from messaging.settings import KafkaSettings


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 the broker refused a topic, 2 wrong settings, 3 no broker answers.
    """
    parser = argparse.ArgumentParser(
        prog="python -m messaging",
        description="Create the topics onrecord declares; those that exist are left alone.",
        epilog="example: KAFKA_BOOTSTRAP_SERVERS=kafka:9092 python -m messaging topics create",
    )
    parser.add_argument("noun", choices=["topics"])
    parser.add_argument("verb", choices=["create"])
    parser.add_argument("--replication", type=int, default=1, help="copies of each partition")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for a broker")
    parser.add_argument(
        "--no-auto-create",
        action="store_true",
        help="have the broker refuse topics that do not exist, in place of creating them, if its "
        "setting auto.create.topics.enable can be changed while it runs",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    quieten_client()
    try:
        created = asyncio.run(
            _create(options.replication, options.timeout, refuse_others=options.no_auto_create)
        )
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
    if options.json:
        print(json.dumps({"created": created, "existing": existing}))
    else:
        print(f"{len(created)} topics created, {existing} were there")
    return 0


async def _create(replication: int, timeout_s: float, *, refuse_others: bool) -> tuple[str, ...]:
    kafka = KafkaSettings()
    await wait_for_broker(kafka, timeout_s)
    if refuse_others:
        try:
            await forbid_auto_creation(kafka)
        except KafkaError as error:
            # Apache Kafka reads this setting at its start only; its own configuration decides.
            print(f"left as the broker has it: {error}", file=sys.stderr)
    return await create_topics(kafka, ALL_TOPICS, replication=replication)


if __name__ == "__main__":
    sys.exit(main())
