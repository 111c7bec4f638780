"""A simulator on a loopback port of this process, for as long as a test needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from pydantic import SecretStr

from model_client import ModelSettings
from simulator import SimulatorSettings, run_server
from support.http_client import http_client


class Simulated:
    """Running simulator, and a client of its control endpoints."""

    def __init__(self, origin: str, session: httpx2.AsyncClient) -> None:
        self._origin = origin
        self._session = session

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL has to be."""
        return f"{self._origin}/v1"

    def settings(self, **more: Any) -> ModelSettings:
        """Settings of a client that asks it."""
        fields = {"base_url": self.url, "api_key": SecretStr("k"), "model": "m", **more}
        return ModelSettings(**fields)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call a control endpoint under ``/simulator``."""
        url = f"{self._origin}/simulator/{path}"
        response = await self._session.request(method, url, json=body)
        assert response.is_success, response.text
        return response.json()

    async def calls(self, model: str = "m") -> int:
        """How many calls have ended."""
        models = (await self.control("GET", "counts"))["models"]
        return int(models[model]["calls"]) if model in models else 0


@asynccontextmanager
async def simulated(settings: Mapping[str, Any] | None = None) -> AsyncIterator[Simulated]:
    """A simulator with the given settings."""
    chosen = SimulatorSettings.model_validate(settings or {})
    async with run_server(chosen) as port, http_client() as session:
        yield Simulated(f"http://127.0.0.1:{port}", session)
