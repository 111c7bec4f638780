"""``faststream run <service>.app:app`` runs each service, as ``python -m <service>`` does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from contracts.topics import CONTROL, PIPELINE
from local_stack.supervisor import LocalStack
from support.broker import free_port
from support.waiting import eventually

START_S: Final = 60
STOP_S: Final = 60


@pytest.mark.parametrize("service", [*PIPELINE, CONTROL])
def test_faststreams_command_runs_a_service(
    stack: LocalStack, service: str, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    # What clients log in to the database as may not do what a service does.
    login = {"POSTGRES_DSN": psutil.Process(stack.pid(service)).environ()["POSTGRES_DSN"]}
    program = ("-m", "faststream", "run", f"{service}.app:app")
    where = ("--host", "127.0.0.1", "--port", str(port))
    with log.open("wb") as output:
        # In another folder, as the packages are installed; a replica beside that of the stack.
        process = subprocess.Popen(
            [sys.executable, *program, *where],
            cwd=tmp_path,
            env=dict(os.environ) | stack.client_env() | login,
            stdout=output,
            stderr=output,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text("utf-8")
                try:
                    return http.get("/readyz").status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            eventually(is_ready, within_s=START_S)
            assert "onrecord_" in http.get("/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0, log.read_text("utf-8")
    finally:
        process.kill()
        process.wait(STOP_S)
    assert "Traceback" not in log.read_text("utf-8")
