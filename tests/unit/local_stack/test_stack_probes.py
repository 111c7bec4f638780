from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from local_stack.probes import ReadinessProbeKind, ReadinessResult, is_port_free, probe_port


class Answer(BaseHTTPRequestHandler):
    bodies: ClassVar = {
        "/ready": (200, b"{}"),
        "/slowed": (200, json.dumps({"ready": True, "detail": "told to wait"}).encode()),
        "/waiting": (503, json.dumps({"ready": False, "reason": "no broker"}).encode()),
        "/odd": (500, b"<html>"),
    }

    def do_GET(self) -> None:
        status, body = self.bodies[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/ready", ReadinessResult(ready=True)),
        ("/slowed", ReadinessResult(ready=True, reason="told to wait")),
        ("/waiting", ReadinessResult(ready=False, reason="no broker")),
        ("/odd", ReadinessResult(ready=False, reason="/odd answers 500")),
    ],
)
def test_http_readiness_carries_the_reason(port: int, path: str, answer: ReadinessResult) -> None:
    assert probe_port(ReadinessProbeKind.HTTP, port, path) == answer


@pytest.mark.parametrize(
    "probe",
    [
        ReadinessProbeKind.HTTP,
        ReadinessProbeKind.TCP,
        ReadinessProbeKind.KAFKA,
        ReadinessProbeKind.POSTGRES,
    ],
)
def test_a_port_where_nobody_listens_is_not_ready(probe: ReadinessProbeKind) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = probe_port(probe, unused.getsockname()[1], "/")
    assert not found.ready
    assert "refused" in found.reason


def test_a_port_somebody_listens_on_is_not_free(port: int) -> None:
    assert not is_port_free(port)
