"""A service's port, of a service that counts how often it was resumed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asgi_server
from messaging import ReliableKafkaBroker, ServiceApplication, StageSettings
from messaging.runtime.health import ServiceHealth


class ResumableBroker(ReliableKafkaBroker):
    """A broker that counts how often it was asked to go on."""

    resumed = 0
    consumes = True
    stopped_for = ""
    waits_for = ""

    @property
    def health(self) -> ServiceHealth:
        found = ServiceHealth()
        if reason := self.waits_for or self.stopped_for:
            found.is_waiting(reason)
        else:
            found.is_ready()
        return found

    def resume(self) -> str | None:
        if not self.consumes:
            return None
        self.resumed += 1
        why, self.stopped_for = self.stopped_for, ""
        return why


class ResumableService:
    """A service's application over a broker that consumes nothing.

    Args:
        token_file: holds the operators' token.
        name: of the service.
    """

    def __init__(self, token_file: Path | None, name: str = "ingestion") -> None:
        self.broker = ResumableBroker(
            service=name, settings=lambda: StageSettings(operator_token_file=token_file)
        )
        self.app = ServiceApplication(self.broker)

    def stopped(self, reason: str) -> None:
        """From now on it says that it has stopped itself, until it is resumed."""
        self.broker.stopped_for = reason

    def waits(self, reason: str) -> None:
        """From now on it says that it handles nothing, whether it is resumed or not."""
        self.broker.waits_for = reason

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError  # nothing is to be consumed
        await self.app(scope, receive, send)

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve it; yields its address."""
        self.app.read_settings()
        async with asgi_server.serve(self, host=host, port=port) as listening_on:
            yield f"http://{host}:{listening_on}"
