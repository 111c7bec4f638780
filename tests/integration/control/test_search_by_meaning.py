"""Search by meaning: texts in other words are found, by those who may read them and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote as escaped

import pytest
import structlog

from contracts.access import Role
from contracts.study import PersonalData, Study
from contracts.transcript import Role as Speaking
from contracts.transcript import Segment
from control.embedding import TextEmbedder, embedding_texts
from database.pool import Database
from embeddings import EmbeddingModel
from onnx_models import ScoreError
from persistence.store import NotesStore
from support.control_office import Office, as_role, open_office
from support.embedding_models import write_synonym_model
from support.interviews import STUDY, TRANSCRIPT, VOUCHED, evidence, ingested, note, validated
from support.waiting import until

RENT = ("rent", "lease", "landlord")
DOG = ("dog", "puppy", "zebedee")
PAY = ("pay", "dollars")
SAID = (
    Segment(number=1, speaker="Ada", role=Speaking.INTERVIEWER, text="What about the lease?"),
    Segment(
        number=2,
        speaker="Bo",
        role=Speaking.PARTICIPANT,
        text="Our landlord is Zebedee. We have a puppy.",
        start_ms=1,
        end_ms=9,
    ),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingModel:
    folder = tmp_path_factory.mktemp("models") / "synonyms"
    return EmbeddingModel(write_synonym_model(folder, RENT, DOG, PAY))


@pytest.fixture
async def office(
    broker: str, fresh_database: Database, model: EmbeddingModel
) -> AsyncIterator[Office]:
    await fresh_database.execute("CREATE EXTENSION vector")
    async with open_office(broker, fresh_database, embedding_model=model) as opened:
        yield opened


def cited(text: str, masked: str | None = None) -> Any:
    return evidence("We pay").model_copy(
        update={
            "start": SAID[1].text.index(text),
            "length": len(text),
            "quote": text,
            "masked_quote": masked,
        }
    )


async def store(database: Database, study: Study = STUDY) -> None:
    stored = NotesStore(database)
    await stored.store_transcript(ingested(study=study, segments=SAID))
    notes = (
        note("They have an animal", cited("a puppy"), **VOUCHED),
        note("The owner is known", cited("landlord is Zebedee", "landlord is [PERSON]"), **VOUCHED),
    )
    await stored.store_notes(validated(*notes))


async def embed(database: Database, model: EmbeddingModel) -> None:
    embedder = TextEmbedder(database, model)
    while await embedder.embed_next():
        pass


class Prepared:
    """A model that does something before it computes each batch."""

    def __init__(
        self, model: EmbeddingModel, before: Callable[[Sequence[str]], Coroutine[Any, Any, None]]
    ) -> None:
        self.name, self.dimensions = model.name, model.dimensions
        self._model, self._before = model, before
        self._loop = asyncio.get_running_loop()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        asyncio.run_coroutine_threadsafe(self._before(texts), self._loop).result(20)
        return self._model.embed(texts)


def prepared(
    model: EmbeddingModel, before: Callable[[Sequence[str]], Coroutine[Any, Any, None]]
) -> EmbeddingModel:
    return cast("EmbeddingModel", Prepared(model, before))


async def count_vectors(database: Database) -> int:
    count: int = await database.fetchval("SELECT count(*) FROM search_embeddings")
    return count


async def ask(office: Office, words: str, query: str = "") -> Any:
    status, page = await office.ask("GET", f"/v1/search?q={escaped(words)}&like=true{query}")
    assert status == 200, page
    return page


async def test_what_means_the_same_is_found_in_other_words_the_nearest_first(
    office: Office, fresh_database: Database, model: EmbeddingModel
) -> None:
    study = STUDY.model_copy(update={"personal_data": PersonalData.ALLOW})
    stored = NotesStore(fresh_database)
    await stored.store_transcript(ingested(study=study, segments=SAID))
    await stored.store_notes(validated(note("They have an animal", cited("a puppy"), **VOUCHED)))
    assert (await ask(office, "dog"))["not_compared"] == 4
    await embed(fresh_database, model)

    page = await ask(office, "the dog")

    found = page["results"]
    assert [(one["kind"], one["text"]) for one in found[:2]] == [
        ("quote", "a puppy"),
        ("segment", SAID[1].text),
    ]
    assert page["not_compared"] == 0
    likeness = [one["similarity"] for one in found]
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[0] > 0.9
    # By its words nothing has it.
    assert (await office.ask("GET", "/v1/search?q=dog"))[1]["results"] == []
    (only, *_) = (await ask(office, "the dog", "&kind=segment"))["results"]
    assert only["kind"] == "segment"
    assert (await ask(office, "the dog", "&study=other"))["results"] == []


async def test_what_a_study_masks_is_not_found_by_its_meaning(
    office: Office, fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database, STUDY.model_copy(update={"personal_data": PersonalData.MASK}))
    await embed(fresh_database, model)
    named = ("dog", "&kind=quote")
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    exact = (await ask(office, named[0], f"{named[1]}&exact=true"))["results"]
    assert exact[1]["text"] == "landlord is Zebedee"
    assert exact[1]["similarity"] > 0.5
    await as_role(office, Role.READER, STUDY.study_id)
    masked = (await ask(office, *named))["results"]
    assert masked[1]["text"] == "landlord is [PERSON]"
    assert masked[1]["similarity"] < 0.1
    segments = await ask(office, "dog", "&kind=segment")
    assert (segments["results"], segments["not_compared"]) == ([], 0)
    status, _ = await office.ask("GET", "/v1/search?q=dog&like=true&exact=true")
    assert status == 403


async def test_pages_follow_one_another_without_gap_or_repetition(
    office: Office, fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database)
    await embed(fresh_database, model)
    whole = await ask(office, "rent")
    assert len(whole["results"]) > 3
    pages, cursor = [], ""
    while True:
        page = await ask(office, "rent", f"&limit=1{cursor}")
        pages += page["results"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
        assert (await ask(office, "rent", f"&limit=1{cursor}"))["not_compared"] is None
    assert pages == whole["results"]


async def test_a_new_revision_takes_the_place_of_the_old_one(
    office: Office, fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database)
    await embed(fresh_database, model)
    stored = NotesStore(fresh_database)
    await stored.store_transcript(ingested(2))
    await stored.store_notes(validated(note("People pay in dollars", **VOUCHED), revision=2))
    await embed(fresh_database, model)
    found = (await ask(office, "puppy"))["results"]
    assert {one["revision"] for one in found} == {2}


async def test_without_a_model_it_says_what_is_missing(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database) as office:
        status, problem = await office.ask("GET", "/v1/search?q=dog&like=true")
    assert (status, "CONTROL_EMBEDDING_MODEL" in problem["detail"]) == (424, True)


async def test_without_pgvector_it_says_what_is_missing(
    office: Office, fresh_database: Database, model: EmbeddingModel
) -> None:
    await fresh_database.execute("DROP EXTENSION vector")
    await store(fresh_database)
    await embed(fresh_database, model)
    status, problem = await office.ask("GET", "/v1/search?q=dog&like=true")
    assert (status, "CREATE EXTENSION vector" in problem["detail"]) == (424, True)


async def test_vectors_are_computed_as_texts_are_stored_and_anew_for_another_model(
    fresh_database: Database, model: EmbeddingModel, tmp_path: Path
) -> None:
    async def are_embedded_by(name: str) -> bool:
        missing = await fresh_database.fetchval(
            "SELECT count(*) FROM search_documents AS document WHERE NOT EXISTS ("
            "SELECT FROM search_embeddings AS stored "
            "WHERE stored.document_id = document.document_id AND stored.model = $1)",
            name,
        )
        return bool(missing == 0)

    # Two replicas, of which one computes at a time.
    async with (
        embedding_texts(fresh_database, model, 0.05),
        embedding_texts(fresh_database, model, 0.05),
    ):
        await store(fresh_database)
        await until(lambda: are_embedded_by(model.name), within_s=30)
    other = EmbeddingModel(write_synonym_model(tmp_path / "other", RENT))
    async with embedding_texts(fresh_database, other, 0.05):
        await until(lambda: are_embedded_by(other.name), within_s=30)


async def test_texts_that_are_deleted_meanwhile_end_nothing_and_leave_no_vector(
    fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database)

    async def delete(_: Sequence[str]) -> None:
        await fresh_database.execute("DELETE FROM search_documents WHERE kind = 'quote'")

    await embed(fresh_database, prepared(model, delete))
    await embed(fresh_database, model)
    left = await fresh_database.fetchval("SELECT count(*) FROM search_documents")
    assert await count_vectors(fresh_database) == left > 0


async def test_a_text_that_cannot_be_computed_keeps_no_other_from_it(
    fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database)

    async def refuse(texts: Sequence[str]) -> None:
        if any("puppy" in text for text in texts):
            raise ScoreError("no vector of a puppy")

    texts = await fresh_database.fetchval("SELECT count(*) FROM search_documents")
    with structlog.testing.capture_logs() as logs:
        await embed(fresh_database, prepared(model, refuse))
    passed_over = [one for one in logs if one["event"] == "text_passed_over"]
    assert len(passed_over) == 2  # a quote and the turn that it is in
    assert await count_vectors(fresh_database) == texts - 2


async def test_while_a_model_computes_no_table_is_locked_and_no_other_replica_computes(
    fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database)
    others = list[bool]()

    async def look(_: Sequence[str]) -> None:
        others.append(await TextEmbedder(fresh_database, model).embed_next())
        async with fresh_database.transaction() as connection:
            await connection.execute(
                "LOCK TABLE search_documents, segments, notes, evidence, transcripts "
                "IN ACCESS EXCLUSIVE MODE NOWAIT"
            )

    await embed(fresh_database, prepared(model, look))
    assert others == [False]
    assert await count_vectors(fresh_database) > 0


async def test_words_of_revisions_that_are_over_are_not_computed(
    fresh_database: Database, model: EmbeddingModel
) -> None:
    await store(fresh_database)
    await NotesStore(fresh_database).store_transcript(ingested(2))
    await embed(fresh_database, model)
    revisions = await fresh_database.fetch(
        "SELECT DISTINCT revision FROM search_documents JOIN search_embeddings USING (document_id)"
    )
    assert [row["revision"] for row in revisions] == [2]


async def test_what_is_not_compared_yet_is_counted_as_it_is_searched(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    for query, expected in (
        *(("", 4), ("&kind=quote", 2), ("&kind=segment", 0), ("&study=other", 0)),
        *((f"&transcript={TRANSCRIPT}", 4), ("&exact=true&kind=segment", 2)),
    ):
        assert (await ask(office, "dog", query))["not_compared"] == expected, query
