"""Asks a process whether it is ready, in the language it speaks."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time
from enum import StrEnum
from typing import Final, NamedTuple

LOOPBACK: Final = "127.0.0.1"
TIMEOUT_S: Final = 1.0
"""How long a process of the local stack may take to answer a probe, in seconds."""

POLL_S: Final = 0.03
FREE_WITHIN_S: Final = 5.0
"""How long the system may take to free the port of a process that has ended."""

API_VERSIONS_REQUEST: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Kafka's ApiVersions, version 0: size, API key 18, version, correlation id, no client id."""

PROTOCOL_3_0: Final = 196608
"""The version in PostgreSQL's startup message; a server that is up answers ``R``, others ``E``."""


class ReadinessProbeKind(StrEnum):
    """Kind of readiness probe of a process: by exit code, HTTP, TCP port and so on."""

    EXIT = "exit"
    """It is a task: ready when it ended with code 0."""
    HTTP = "http"
    TCP = "tcp"
    KAFKA = "kafka"
    POSTGRES = "postgres"


class ReadinessResult(NamedTuple):
    """Result of a readiness probe: whether a process is ready, with the reason and warnings."""

    ready: bool
    reason: str = ""


def probe_port(probe: ReadinessProbeKind, port: int, path: str) -> ReadinessResult:
    """Probe a process by its local port; return whether it is ready.

    Args:
        probe: how to ask.
        port: where it listens.
        path: what to ask for; only ``ReadinessProbeKind.HTTP`` looks at it.
    """
    try:
        if probe is ReadinessProbeKind.HTTP:
            return _http(port, path)
        with socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_S) as connection:
            return _converse(probe, connection)
    except (OSError, http.client.HTTPException) as error:
        return ReadinessResult(ready=False, reason=f"port {port}: {error}")


def _converse(probe: ReadinessProbeKind, connection: socket.socket) -> ReadinessResult:
    if probe is ReadinessProbeKind.KAFKA:
        connection.sendall(API_VERSIONS_REQUEST)
        ready = len(connection.recv(4)) > 0
        return ReadinessResult(ready, "" if ready else "does not speak Kafka yet")
    if probe is ReadinessProbeKind.POSTGRES:
        parameters = b"user\0onrecord\0database\0onrecord\0\0"
        connection.sendall(struct.pack(">ii", 8 + len(parameters), PROTOCOL_3_0) + parameters)
        ready = connection.recv(1024).startswith(b"R")
        return ReadinessResult(ready, "" if ready else "is starting up")
    return ReadinessResult(ready=True)


def _http(port: int, path: str) -> ReadinessResult:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(64 * 1024)
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK:
        return ReadinessResult(ready=True, reason=_field(body, "detail"))
    reason = _field(body, "reason") or f"{path} answers {response.status}"
    return ReadinessResult(ready=False, reason=reason)


def _field(body: bytes, name: str) -> str:
    try:
        return str(json.loads(body)[name])
    except (ValueError, KeyError, TypeError):
        return ""


def wait_until_port_free(port: int, within_s: float) -> bool:
    """Wait until a local port is free; return False when the time is up.

    The system may take a moment to free the port of a process that was killed.
    """
    deadline = time.monotonic() + within_s
    while not is_port_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_port_free(port: int) -> bool:
    """Return whether no program listens on a local port."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
