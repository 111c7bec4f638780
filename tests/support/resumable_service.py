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
    said = ServiceHealth()

    @property
    def health(self) -> ServiceHealth:
        return self.said

    def resume(self) -> bool:
        self.resumed += self.consumes
        return self.consumes


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
        """From now on it says that it handles nothing."""
        self.broker.said = ServiceHealth()
        self.broker.said.is_waiting(reason)

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
