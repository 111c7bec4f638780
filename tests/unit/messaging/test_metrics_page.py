"""``/metrics`` beside liveness and readiness."""

from __future__ import annotations

from prometheus_client import Counter

from support.http_client import http_client, serve_routes

SEEN = Counter("onrecord_test_pages_seen", "Pages seen by this test.")


async def test_the_process_tells_its_metrics_in_prometheus_text_format() -> None:
    SEEN.inc()
    async with (
        serve_routes() as port,
        http_client() as client,
    ):
        response = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "onrecord_test_pages_seen_total 1.0" in response.text.splitlines()
