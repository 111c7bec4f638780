"""Every verb that asks control, where something else answers: one line, and no traceback."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest
import typer

from onrecord import cli, commands

SAMPLES: Final = Path(__file__).parents[3] / "samples"
ID: Final = str(UUID(int=7))


class Answer(NamedTuple):
    """What answers in control's place."""

    status: int
    media_type: str
    body: bytes


JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
HTML: Final = "text/html; charset=utf-8"

OTHERS: Final = {
    "a proxy's page": Answer(200, HTML, b"<h1>Sign in</h1>"),
    "a proxy's page, said to be JSON": Answer(200, JSON, b"<h1>Sign in</h1>"),
    "a page of what is not there": Answer(404, HTML, b"<h1>Not found</h1>"),
    "a gateway's page": Answer(502, HTML, b"<h1>Bad gateway</h1>"),
    "a redirection": Answer(302, HTML, b""),
    "another API's object": Answer(200, JSON, b'{"hello": "world", "next": "on"}'),
    "another API's list": Answer(200, JSON, b'{"items": [], "total": 0}'),
    "a control without the endpoint": Answer(404, PROBLEM, b'{"detail": "Not Found"}'),
    "a control with other methods": Answer(405, PROBLEM, b'{"detail": "Method Not Allowed"}'),
    "another API's error": Answer(404, JSON, b'{"detail": "Not Found"}'),
    "another API's errors": Answer(400, JSON, b'{"detail": [{"msg": "no"}]}'),
    "a list without pages": Answer(200, JSON, b'[{"id": 1}]'),
    "null": Answer(200, JSON, b"null"),
    "a number": Answer(200, JSON, b"7"),
    "nothing": Answer(200, JSON, b""),
    "an answer cut off": Answer(200, JSON, b'{"letters": ['),
    "a nest": Answer(200, JSON, b"[" * 200_000),
    "no text": Answer(200, JSON, b'{"letters": "\xff"}'),
}

RECEIPT: Final = shlex.quote(str(Path(__file__).parent / "unsigned_receipt.json"))

ASKING: Final = f"""
audit
budgets
budgets set s 5
budgets set-day 5
cache clear --yes
cache stats
costs
coverage
coverage --transcript t
disagreements
drift
dlq cause 3fa9c1d25b7e0a44
dlq cause 3fa9c1d25b7e0a44 --remark known
dlq causes
dlq discard abcd --reason why
dlq discard --where code=bug --reason why --yes
dlq edit abcd --set /title=A --reason why
dlq list
dlq plan cancel {ID}
dlq plan create --where code=bug --yes
dlq plan list
dlq plan pause {ID}
dlq plan report {ID}
dlq plan resume {ID}
dlq plan show 0000
dlq plan start {ID}
dlq rehearsal {ID}
dlq rehearse --all
dlq reindex
dlq replay abcd
dlq replay --all --yes
dlq restore abcd
dlq restore --discard {ID}
dlq retention
dlq rule create slow --code llm_timeout --quiet-for 1h
dlq rule delete slow
dlq rule disable slow
dlq rule enable slow
dlq rule list
dlq rule show slow
dlq show abcd
dlq show abcd --raw
dlq snooze abcd --until 2h
dlq snooze --where code=bug --until 2h --yes
dlq stats
dlq waiting
export notes.csv
erase list
erase participant Bo --study s --reason why --yes
erase receipt {ID}
erase show {ID}
erase study s --reason why --yes
erase transcript {ID} --reason why --yes
erase verify {RECEIPT}
explain 3f2a91c0
matrix
note accept abcd
note comment abcd why
note decisions --study s
note edit abcd "They pay."
note hide abcd
note history abcd
note refile abcd --theme t
note show abcd
note withdraw abcd 1
notes
notes --study s --rejected
pipeline --for 1
resume enrichment
retention preview s
retention set s --notes 365d --yes
retention show s
search bikes
session list
session revoke {ID}
study archive s
study create {SAMPLES}/study.yaml
study edit s --name S
study list
study refresh s --dry-run
study show s
submit {SAMPLES}/bike-shop.vtt --study s
submit {SAMPLES}/bike-shop.vtt --study {SAMPLES}/study.yaml
token create ada --role reader
token list
token revoke {ID}
token whoami
trail
transcript fix {ID} --title T
transcript handover {ID} --to token:ada --reason why
transcript handover --study s --to token:ada --reason why
transcript list
transcript read {ID}
transcript restore {ID} --reason why
transcript show {ID}
transcript withdraw {ID} --reason why
waiting give-up --all --reason why --yes
waiting hold --all --yes
waiting list
waiting release --all --yes
""".strip().splitlines()

TRIED_WITH_EACH: Final = ("another API's object", "a list without pages", "a proxy's page")
"""Answers that every verb is tried with."""

TRIED_WITH_ALL: Final = ("dlq list", "dlq rule list", "dlq rule delete slow", "dlq show abcd --raw")
"""A verb for each way in which answers are read, tried with all of them."""


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Any]:
    """A server that answers all requests with its ``answer``."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer: Answer = server.answer  # type: ignore[attr-defined]
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - as it is called

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("words", ASKING)
def test_what_is_not_control_is_told_in_one_line(
    words: str,
    stand_in: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path))
    url = f"http://127.0.0.1:{stand_in.server_port}"
    monkeypatch.setenv("ONRECORD_URL", url)
    monkeypatch.setenv("ONRECORD_TOKEN", "t" * 40)
    told: dict[str, object] = {}
    for name in OTHERS if words in TRIED_WITH_ALL else TRIED_WITH_EACH:
        stand_in.answer = OTHERS[name]
        try:
            code: object = cli.run_command(shlex.split(words))
        except BaseException as error:  # noqa: BLE001 - a traceback is what is looked for
            code = repr(error)
        errors = capsys.readouterr().err.strip().splitlines()
        if code != 3 or len(errors) != 1 or url not in errors[0]:
            told[name] = code, errors
    assert told == {}


def test_every_verb_that_asks_control_is_tried() -> None:
    local = {one.replace("_", "-") for one in commands.WITHOUT_SYSTEM}
    local |= {verb for verb, module in commands.MODULES_OF_OTHER_NAMES.items() if module in local}
    verbs = set(_list_verbs(typer.main.get_command(cli.build_app()), ""))
    asking = {verb for verb in verbs if verb.split()[0] not in local}
    assert [verb for verb in sorted(asking) if not any(_is_of(verb, one) for one in ASKING)] == []


def _is_of(verb: str, line: str) -> bool:
    return f"{line} ".startswith(f"{verb} ")


def _list_verbs(command: Any, name: str) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield name
        return
    for each, inner in command.commands.items():
        yield from _list_verbs(inner, f"{name} {each}".strip())
