"""Health and metrics of every service on an address and port of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.topic_access import SERVICES
from support.broker import free_port
from support.http_client import http_client
from support.service_process import service_process
from support.waiting import until

OTHER_ADDRESS = "127.0.0.2"
PATHS = ("/livez", "/readyz", "/metrics")


@pytest.mark.parametrize("name", SERVICES)
async def test_health_is_served_where_it_is_bound_and_nowhere_else(
    name: str, tmp_path: Path
) -> None:
    """Nothing else has to be there: a service that waits for its broker answers, too."""
    port = free_port()
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/nowhere",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        f"{name.upper()}_HEALTH_HOST": OTHER_ADDRESS,
        f"{name.upper()}_HEALTH_PORT": str(port),
    }
    with service_process(name, env, tmp_path) as service:

        async def starts() -> bool:
            return '"started"' in service.written()

        await until(starts, within_s=30)
        health, others = f"http://{OTHER_ADDRESS}:{port}", f"http://127.0.0.1:{service.port}"
        async with http_client() as client:
            statuses = [(await client.get(health + path)).status_code for path in PATHS]
            assert statuses == [200, 503, 200]
            assert {(await client.get(others + path)).status_code for path in PATHS} == {404}
            # And nothing that changes something is served there.
            assert (await client.post(f"{health}/resume")).status_code == 404
            assert (await client.get(f"{health}/v1/me")).status_code == 404
            refused = await client.post(f"{others}/resume")
            assert refused.status_code in {401, 403, 415}, refused.text
        (started,) = [one for one in service.events() if one["event"] == "started"]
        assert (started["http_port"], started["health_port"]) == (service.port, port)
