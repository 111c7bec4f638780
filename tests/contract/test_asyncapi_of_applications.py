"""What ``faststream docs gen`` writes for the services is what ``make contracts`` writes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from faststream.asgi import AsgiFastStream
from faststream.exceptions import SetupError
from faststream.kafka import KafkaBroker

from contracts.events import NotesStored
from contracts.topics import CHUNKS_READY, CONTROL, PIPELINE
from messaging import KafkaRouter, ReliableKafkaBroker, ServiceApplication

SCHEMAS = Path(__file__).parents[2] / "schemas"
WHOLE: dict[str, Any] = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
SERVICES = (*PIPELINE, CONTROL)
PARTS = ("channels", "operations")
COMPONENTS = ("messages", "schemas")


def document_of(service: str) -> dict[str, Any]:
    module: Any = importlib.import_module(f"{service}.app")
    module.broker.include_router(module.router)  # another test may have it on a broker of its own
    return module.app.schema.to_specification().to_jsonable()  # type: ignore[no-any-return]


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_document_is_its_part_of_the_whole(service: str) -> None:
    document = document_of(service)
    for part in PARTS:
        assert document[part].items() <= WHOLE[part].items()
    for part in COMPONENTS:
        assert document["components"][part].items() <= WHOLE["components"][part].items()
    tag = [{"name": service}]
    own = {name for name, one in WHOLE["operations"].items() if one["tags"] == tag}
    assert set(document["operations"]) == own


def test_all_services_together_are_the_whole_but_for_producers_and_readers_elsewhere() -> None:
    documents = [document_of(service) for service in SERVICES]
    for part in PARTS:
        together = {name: one for document in documents for name, one in document[part].items()}
        anyone = {name for name in WHOLE[part] if name.startswith("anyone-")}
        assert set(together) == set(WHOLE[part]) - anyone
    for part in COMPONENTS:
        together = {
            name: one
            for document in documents
            for name, one in document["components"][part].items()
        }
        assert together == WHOLE["components"][part]


def test_faststream_docs_gen_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "asyncapi.yaml"
    words = ("docs", "gen", "enrichment.app:app", "--yaml", "--out", str(out))
    subprocess.run(
        [sys.executable, "-m", "faststream", *words], check=True, timeout=60, cwd=tmp_path
    )
    assert yaml.safe_load(out.read_text("utf-8")) == document_of("enrichment")


def test_a_handler_of_another_event_than_the_topics_is_refused() -> None:
    router = KafkaRouter()

    @router.subscriber(CHUNKS_READY)
    async def handle(event: NotesStored) -> None: ...

    app = ServiceApplication(ReliableKafkaBroker(service="some", routers=[router]))
    with pytest.raises(SetupError, match="chunks-ready carries ChunkReady"):
        app.schema.to_specification()


def test_an_application_with_topics_of_its_own_has_faststreams_document() -> None:
    async def handle(order: dict[str, int]) -> None: ...

    def declare(broker: KafkaBroker) -> None:
        broker.subscriber("orders", group_id="billing")(handle)

    ours = ReliableKafkaBroker("localhost:9092")
    theirs = KafkaBroker("localhost:9092")
    declare(ours)
    declare(theirs)
    document = ServiceApplication(ours).schema.to_specification().to_jsonable()
    assert document == AsgiFastStream(theirs).schema.to_specification().to_jsonable()
