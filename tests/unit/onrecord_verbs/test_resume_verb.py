"""``onrecord resume`` prints what became of each replica, and fails if one is not resumed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from onrecord import cli

STOPPED: Final = "stopped: 18 of the last 20 messages failed with bug"


class StandIn:
    """What answers in control's place, and what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: dict[str, Any] = {}
        self.asked: list[tuple[str, str | None]] = []

    def answer(self, *replicas: dict[str, Any]) -> None:
        self.body = {"service": "enrichment", "replicas": replicas}


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            stand_in.asked.append((self.path, self.headers.get("Onrecord-Reason")))
            kind = "json" if stand_in.status == 200 else "problem+json"
            body = json.dumps(stand_in.body).encode()
            self.send_response(stand_in.status)
            self.send_header("Content-Type", f"application/{kind}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path))
    monkeypatch.setenv("ONRECORD_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("ONRECORD_TOKEN", "t" * 40)
    yield stand_in
    server.shutdown()
    thread.join()
    server.server_close()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    code = cli.run_command(["resume", *words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def replica(
    number: int, *, resumed: bool = True, reason: str = "", waits_for: str = ""
) -> dict[str, Any]:
    return {
        "address": f"http://10.0.0.{number}:8080",
        "resumed": resumed,
        "had_stopped": resumed and bool(reason),
        "reason": reason,
        "waits_for": waits_for,
    }


def test_a_service_is_asked_for_by_name_with_the_reason(
    control: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    control.answer(replica(1, reason=f"{STOPPED}\x1b[31m"))
    code, out, _ = run(capsys, "enrichment", "--reason", "the key is renewed")
    assert code == 0
    assert out.startswith(f"enrichment: resumed; until now: {STOPPED}")
    assert "\x1b" not in out
    assert control.asked == [("/v1/pipeline/enrichment/resume", "the key is renewed")]


def test_a_replica_that_is_not_resumed_is_named_and_the_verb_fails(
    control: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    control.answer(
        replica(1, reason=STOPPED), replica(2), replica(3, resumed=False, reason="it is away")
    )
    code, out, err = run(capsys, "enrichment")
    assert (code, out.splitlines()) == (
        1,
        [
            f"enrichment at http://10.0.0.1:8080: resumed; until now: {STOPPED}",
            "enrichment at http://10.0.0.2:8080: had not stopped; it goes on",
            "enrichment at http://10.0.0.3:8080: not resumed: it is away",
        ],
    )
    assert "1 of 3 replicas are not resumed" in err
    code, out, _ = run(capsys, "enrichment", "--json")
    assert code == 1
    assert [one["resumed"] for one in json.loads(out)["replicas"]] == [True, True, False]


def test_a_service_in_an_outage_is_not_called_resumed(
    control: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    outage = "llm_unavailable: the endpoint answers 503"
    control.answer(replica(1, waits_for=outage))
    code, out, _ = run(capsys, "enrichment")
    assert (code, out) == (0, f"enrichment: had not stopped; it waits: {outage}\n")
    control.answer(replica(1, waits_for=outage, reason=STOPPED))
    code, out, _ = run(capsys, "enrichment")
    assert (code, out) == (
        *(0, f"enrichment: resumed, but it waits: {outage}; until now: {STOPPED}\n"),
    )


@pytest.mark.parametrize(("status", "code"), [(409, 1), (424, 1), (503, 3), (403, 2)])
def test_what_control_refuses_is_told_in_its_words(
    control: StandIn, capsys: pytest.CaptureFixture[str], status: int, code: int
) -> None:
    control.status, control.body = status, {"detail": "CONTROL_STAGE_URLS does not say"}
    found, out, err = run(capsys, "enrichment")
    assert (found, out) == (code, "")
    assert "CONTROL_STAGE_URLS does not say" in err


@pytest.mark.parametrize("words", [(), ("control",), ("enrichmnt",), ("enrichment", "--url", "x")])
def test_what_is_no_service_that_stops_is_refused(
    control: StandIn, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run(capsys, *words)[0] == 2
    assert control.asked == []
