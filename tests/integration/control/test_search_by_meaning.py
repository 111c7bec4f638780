"""Search by meaning: texts in other words are found, by those who may read them and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote as escaped

import pytest

from contracts.access import Role
from contracts.study import PersonalData, Study
from contracts.transcript import Role as Speaking
from contracts.transcript import Segment
from control.embedding import embed_stored_texts, embedding_texts
from database.pool import Database
from embeddings import EmbeddingModel
from persistence.store import NotesStore
from support.control_office import Office, as_role, open_office
from support.embedding_models import write_synonym_model
from support.interviews import STUDY, VOUCHED, evidence, ingested, note, validated
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
    position: int | None = 0
    while position is not None:
        position = await embed_stored_texts(database, model, position)


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
    deleted = asyncio.Event()

    class Slow:
        name, dimensions = model.name, model.dimensions

        def embed(self, texts: list[str]) -> list[list[float]]:
            asyncio.run_coroutine_threadsafe(delete(), loop).result(20)
            return model.embed(texts)

    async def delete() -> None:
        if not deleted.is_set():
            await fresh_database.execute("DELETE FROM search_documents WHERE kind = 'quote'")
            deleted.set()

    loop = asyncio.get_running_loop()
    async with embedding_texts(fresh_database, Slow(), 0.05):  # type: ignore[arg-type]
        await until(deleted.wait, within_s=20)

        async def are_all_embedded() -> bool:
            left = await fresh_database.fetchval(
                "SELECT (SELECT count(*) FROM search_documents) "
                "- (SELECT count(*) FROM search_embeddings)"
            )
            return bool(left == 0)

        await until(are_all_embedded, within_s=20)
