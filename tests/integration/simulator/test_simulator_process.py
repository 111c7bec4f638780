"""The simulator as a process: one line, then service, then a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from support.http_client import http_client

if TYPE_CHECKING:
    from asyncio.subprocess import Process

PROMPT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


async def spawn(*arguments: str) -> Process:
    libs = Path(__file__).parents[3] / "libs"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(libs)},
    )


async def announced_url(process: Process) -> str:
    assert process.stdout
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    assert line.startswith("listening on http://127.0.0.1:")
    return line.split()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ends_at_once_and_well_while_a_call_hangs(
    number: signal.Signals, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {fault: hang}\n", encoding="utf-8")
    process = await spawn("--port", "0", "--seed", "7", "--rules", str(rules))
    url = await announced_url(process)
    async with http_client() as http:
        hanging = asyncio.create_task(http.post(f"{url}/chat/completions", json=PROMPT))
        async with asyncio.timeout(10):
            while not await in_flight(http, url):
                pass
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), 15)
        assert (process.returncode, errors) == (0, b"")
        with pytest.raises(httpx2.TransportError):
            await hanging


JSON = {"Content-Type": "application/json"}


async def test_ends_at_once_while_it_reads_a_long_prompt() -> None:
    process = await spawn("--port", "0", "--context-characters", "6000000")
    url = await announced_url(process)
    talk = "".join(f"I paid {number} pounds and hated it. " for number in range(100_000))
    document = {"segments": [{"number": 1, "role": "participant", "text": talk}]}
    prompt = {"model": "m", "messages": [{"role": "user", "content": json.dumps(document)}]}
    async with http_client() as http:
        body = json.dumps(prompt).encode()
        reading = asyncio.create_task(
            http.post(f"{url}/chat/completions", content=body, headers=JSON)
        )
        async with asyncio.timeout(20):
            while not await in_flight(http, url):
                pass
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 15)
        assert (process.returncode, errors) == (0, b"")
        with pytest.raises(httpx2.TransportError):
            await reading


async def in_flight(http: httpx2.AsyncClient, url: str) -> int:
    counted = await http.get(f"{url.removesuffix('/v1')}/simulator/requests")
    return int(counted.json()["in_flight"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--latency", "fast"),
        ("--port", "70000"),
        ("--rules", "/dev/null/none.yaml"),
        ("--seed", "seven"),
        ("--context-characters", "0"),
        ("--requests-per-minute", "0"),
        ("--config", "/dev/null/none.yaml"),
    ],
)
async def test_wrong_usage_ends_with_two_and_a_reason(arguments: tuple[str, ...]) -> None:
    process = await spawn(*arguments)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, output) == (2, b"")
    assert arguments[0].strip("-") in errors.decode().splitlines()[-1] or b"none.yaml" in errors


async def test_names_what_is_wrong_with_a_rules_file_in_one_line(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {fault: explode}\n", encoding="utf-8")
    process = await spawn("--rules", str(rules))
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert errors.count(b"\n") == 1
    assert b"0.fault" in errors


async def test_options_go_over_the_file_of_settings(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("{port: 0, requests_per_minute: 60, models: {a: {}}}", encoding="utf-8")
    process = await spawn("--config", str(config), "--requests-per-minute", "30")
    url = await announced_url(process)
    async with http_client() as http:
        model = (await http.get(f"{url.removesuffix('/v1')}/simulator/models/a")).json()
    assert model["behaviour"]["requests_per_minute"] == 30
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_names_what_is_wrong_with_a_file_of_settings_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("models: {a: {burst: 3}}", encoding="utf-8")
    process = await spawn("--config", str(config))
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert (
        errors.decode() == f"simulator: {config}: models.a.burst: Extra inputs are not permitted\n"
    )
