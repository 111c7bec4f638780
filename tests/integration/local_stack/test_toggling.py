"""Starting again and again with other settings: who is restarted, and what is told of it."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from local_stack.progress import ProcessProgress, ProgressStep
from local_stack.state import StackFolder
from local_stack.supervisor import LocalStack
from support.stack import StackFile, embedded_stack

MODELS = ("small", "large", "medium")
TIMES = ("30", "60")


def processes() -> dict[str, dict[str, Any]]:
    """A stack like the shipped one: a broker, a service that asks a model, one that does not."""
    return {
        "broker": {
            "ignores": ["OPENAI_", "ONRECORD_", "KAFKA_"],
            "provides": {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:{port}"},
        },
        "asking": {"after": ["broker"]},
        "storing": {"after": ["broker"], "ignores": ["OPENAI_", "ONRECORD_MODEL"]},
    }


@pytest.mark.long
def test_twenty_toggles_restart_exactly_what_reads_the_setting(
    stack_home: Path, stack_file: StackFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(11)
    file, steps = stack_file(**processes()), list[ProcessProgress]()
    for name in ("ONRECORD_MODEL", "OPENAI_TIMEOUT_S", "STORING_TRIES"):
        monkeypatch.delenv(name, raising=False)

    def up() -> LocalStack:
        stack = LocalStack(stack_home, file=file, attached=False, report=steps.append)
        stack.start()
        return stack

    try:
        ports = up().client_env(), dict(StackFolder(stack_home).load().ports)
        before = dict.fromkeys(("ONRECORD_MODEL", "OPENAI_TIMEOUT_S", "STORING_TRIES"), "")
        readers = {
            "ONRECORD_MODEL": "asking",
            "OPENAI_TIMEOUT_S": "asking",
            "STORING_TRIES": "storing",
        }
        for _ in range(20):
            now = {
                "ONRECORD_MODEL": chance.choice(MODELS),
                "OPENAI_TIMEOUT_S": chance.choice(TIMES),
                "STORING_TRIES": chance.choice(TIMES),
            }
            changed = [name for name in now if now[name] != before[name]]
            for name, value in now.items():
                monkeypatch.setenv(name, value)
            steps.clear()
            pids = {one.name: one.pid for one in LocalStack(stack_home, file=file).status()}
            stack = up()

            stale = {readers[name] for name in changed}
            output = {one.name: one for one in steps if one.step is ProgressStep.OUT_OF_DATE}
            assert set(output) == stale
            for one, progress in output.items():
                names = [name for name in sorted(changed) if readers[name] == one]
                assert progress.why == f"because {', '.join(names)} changed"
            unchanged = {one.name for one in steps if one.step is ProgressStep.UNCHANGED}
            assert unchanged == {"broker", "asking", "storing"} - stale
            restarted = {one.name for one in stack.status() if one.pid != pids[one.name]}
            assert restarted == stale
            assert all(one.ready for one in stack.status())
            assert (stack.client_env(), StackFolder(stack_home).load().ports) == ports
            before = now
    finally:
        LocalStack(stack_home, file=file, attached=False).stop()


def test_a_port_that_another_program_took_moves_with_all_that_need_it(
    stack_home: Path, stack_file: StackFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_stack.supervisor.FREE_WITHIN_S", 0.1)
    file, steps = stack_file(**processes()), list[ProcessProgress]()
    stack = LocalStack(stack_home, file=file, attached=False, report=steps.append)
    stack.start()
    try:
        port = StackFolder(stack_home).load().ports["broker"]
        stack.kill("broker")
        with socket.create_server(("127.0.0.1", port)):
            steps.clear()
            stack.start()
        (moved,) = (one for one in steps if one.step is ProgressStep.PORT_MOVED)
        assert moved.name == "broker"
        assert moved.why == f"another program listens on {port}, where it was"
        output = {one.name: one.why for one in steps if one.step is ProgressStep.OUT_OF_DATE}
        why = "because KAFKA_BOOTSTRAP_SERVERS changed"
        assert output == {"asking": why, "storing": why}
        assert stack.client_env()["KAFKA_BOOTSTRAP_SERVERS"] == f"127.0.0.1:{moved.port}"
        assert all(one.ready for one in stack.status())
    finally:
        stack.stop()


@pytest.mark.long
async def test_a_mistyped_topic_is_refused_by_the_embedded_broker_also_after_a_restart() -> None:
    with embedded_stack("topics") as stack:
        for _ in range(2):
            servers = stack.client_env()["KAFKA_BOOTSTRAP_SERVERS"]
            producer = AIOKafkaProducer(bootstrap_servers=servers, request_timeout_ms=1_000)
            async with producer:
                await producer.send_and_wait("transcripts-submitted", b"{}", key=b"one")
                with pytest.raises(KafkaError):
                    await producer.send_and_wait("transcript-submitted", b"{}", key=b"one")
                topics = set(producer.client.cluster.topics())
                assert "transcript-submitted" not in topics
            stack.kill("broker")
            stack.start()
