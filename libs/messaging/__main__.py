"""``python -m messaging topics create`` and ``acls apply``: what onrecord needs of a broker."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final, TypeVar

import typer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from configuration import command_line
from configuration.settings_errors import WRONG_SETTINGS, list_settings_errors
from contracts.topic_access import USERS
from contracts.topics import ALL_TOPICS
from messaging.kafka.acls import (
    AclDifference,
    apply_declared_acls,
    compare_acls_with_declared,
    format_acl_binding,
)
from messaging.kafka.admin import create_topics, disable_topic_auto_creation, wait_for_broker
from messaging.kafka.connection_errors import KafkaUnavailableError, silence_connection_warnings
from messaging.settings import KafkaSettings

T = TypeVar("T")

_EXAMPLE: Final = "example: KAFKA_BOOTSTRAP_SERVERS=kafka:9092 python -m messaging topics create"

app: Final = command_line.create_typer_app("What onrecord needs of a broker.", epilog=_EXAMPLE)
topics: Final = typer.Typer(help="The topics onrecord declares.")
app.add_typer(topics, name="topics")
_ACLS_EXAMPLE: Final = "example: python -m messaging acls apply --principal producer=User:CN=crm"
acls: Final = typer.Typer(help="The access rules (ACLs) of onrecord's users.")
app.add_typer(acls, name="acls")

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
Principals = Annotated[
    list[str] | None,
    typer.Option(
        "--principal",
        metavar="USER=PRINCIPAL",
        help="Principal of a user who is not called User:onrecord-USER; may be repeated. "
        f"Users: {', '.join(USERS)}.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m messaging``, which prepares a Kafka broker, and return the exit code.

    Returns:
        0 done, 1 the broker refused or rules differ, 2 wrong usage or settings, 3 no broker
        answers.
    """
    return command_line.run_typer_app(app, arguments, program="python -m messaging")


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
    created = _ask(lambda: _created(replication, timeout, refuse_others=no_auto_create))
    if isinstance(created, int):
        return created
    existing = len(ALL_TOPICS) - len(created)
    if json_:
        print(json.dumps({"created": created, "existing": existing}))
    else:
        print(f"{len(created)} topics created, {existing} were there")
    return 0


@acls.callback()
def _acls() -> None:
    """The access rules (ACLs) of onrecord's users; deploy/kafka/acls has them as a table."""


@acls.command("apply", epilog=_ACLS_EXAMPLE)
def _apply(*, principal: Principals = None, json_: AsJson = False) -> int:
    """Allow each user what the topics' declarations say, and nothing else; safe to repeat.

    Takes a super user of the broker, or one with Alter and Describe on the cluster.
    """
    principals = _parse_principals(principal or ())
    changed = _ask(lambda: apply_declared_acls(KafkaSettings(), principals))
    if isinstance(changed, int):
        return changed
    _print_difference(changed, ("added", "removed"), json_=json_)
    return 0


@acls.command("check", epilog=_ACLS_EXAMPLE)
def _check(*, principal: Principals = None, json_: AsJson = False) -> int:
    """List the rules that are missing, and those that are too many; exit 1 if there are any."""
    principals = _parse_principals(principal or ())
    found = _ask(lambda: compare_acls_with_declared(KafkaSettings(), principals))
    if isinstance(found, int):
        return found
    _print_difference(found, ("missing", "surplus"), json_=json_)
    return 1 if found.missing or found.surplus else 0


def _parse_principals(words: Sequence[str]) -> dict[str, str]:
    parsed = {}
    for word in words:
        user, _, principal = word.partition("=")
        if user not in USERS or not principal.startswith("User:"):
            raise typer.BadParameter(
                f"{word!r} is not USER=User:NAME with one of the users {', '.join(USERS)}",
                param_hint="--principal",
            )
        parsed[user] = principal
    return parsed


def _print_difference(found: AclDifference, names: tuple[str, str], *, json_: bool) -> None:
    parts = dict(zip(names, (found.missing, found.surplus), strict=True))
    if json_:
        print(
            json.dumps({name: [*map(format_acl_binding, rules)] for name, rules in parts.items()})
        )
        return
    for name, rules in parts.items():
        for rule in rules:
            print(f"{name}: {format_acl_binding(rule)}")
    print(", ".join(f"{len(rules)} rules {name}" for name, rules in parts.items()))


def _ask(work: Callable[[], Coroutine[Any, Any, T]]) -> T | int:
    """Return what the broker answers, or the exit code after saying what went wrong."""
    silence_connection_warnings()
    try:
        return asyncio.run(work())
    except ValidationError as error:
        print(*list_settings_errors(error), sep="\n", file=sys.stderr)
        return WRONG_SETTINGS
    except KafkaUnavailableError as error:
        print(error, file=sys.stderr)
        return 3
    except KafkaError as error:
        print(f"the broker refused: {error}", file=sys.stderr)
        return 1


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
