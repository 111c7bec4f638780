"""Vectors of texts: like ones are near, whatever a text has in it, and a wrong model is refused."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from embeddings import EmbeddingModel
from onnx_models import ModelFolderError, NotInstalledError, text_model
from support.embedding_models import write_synonym_model
from support.entailment_models import write_constant_model
from support.missing import missing

RENT = ("rent", "lease")
DOG = ("dog", "puppy")


def likeness(ours: list[float], theirs: list[float]) -> float:
    return sum(one * other for one, other in zip(ours, theirs, strict=True))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingModel:
    return EmbeddingModel(write_synonym_model(tmp_path_factory.mktemp("models") / "m", RENT, DOG))


def test_texts_of_like_meaning_are_near_and_vectors_have_length_one(model: EmbeddingModel) -> None:
    rent, lease, dog = model.embed(["They rent it.", "the lease", "My dog, and my puppy"])
    assert likeness(rent, lease) > 0.9
    assert likeness(rent, dog) < 0.3
    for vector in (rent, lease, dog):
        assert len(vector) == model.dimensions == 3
        assert math.isclose(likeness(vector, vector), 1, abs_tol=1e-6)


def test_a_texts_vector_does_not_depend_on_those_beside_it(model: EmbeddingModel) -> None:
    texts = ["rent", "dog " * 40 + "rent", "", "a lease", "\U0001f600", "[PAD] [SEP] dog"]
    together = model.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        (alone,) = model.embed([text])
        assert alone == pytest.approx(vector, abs=1e-6)
    assert model.embed([]) == []


def test_of_a_long_text_the_beginning_is_read(model: EmbeddingModel) -> None:
    short, long = model.embed(["rent " * 300, "rent " * 300 + "dog " * 1_000_000])
    assert short == pytest.approx(long, abs=1e-6)


def test_special_tokens_in_a_text_are_no_special_tokens(model: EmbeddingModel) -> None:
    plain, odd = model.embed(["rent  dog", "rent [SEP] dog"])
    assert plain == pytest.approx(odd, abs=1e-6)


def test_the_name_changes_with_the_model(model: EmbeddingModel, tmp_path: Path) -> None:
    other = EmbeddingModel(write_synonym_model(tmp_path / "m", RENT, DOG, ("pay",)))
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{12}", model.name)
    assert other.name != model.name
    same = EmbeddingModel(write_synonym_model(tmp_path / "elsewhere", RENT, DOG))
    assert same.name == model.name
    # The same words in another order are other numbers for the model.
    other = EmbeddingModel(write_synonym_model(tmp_path / "words", RENT[::-1], DOG))
    assert other.name != model.name


def test_a_folder_without_a_model_of_texts_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"there is no model\.onnx"):
        EmbeddingModel(tmp_path)
    classifier = write_constant_model(tmp_path / "classifier", [[1.0, 2.0]])
    with pytest.raises(ModelFolderError, match=r"gives 1x2 for one text, and no vector") as caught:
        EmbeddingModel(classifier)
    assert "\n" not in str(caught.value)
    (classifier / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelFolderError, match="is no ONNX model"):
        EmbeddingModel(classifier)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_synonym_model(tmp_path / "m", RENT)
    monkeypatch.setattr(text_model, "PACKAGES", ("a_package_that_nobody_has",))
    with pytest.raises(NotInstalledError, match=r"install onrecord\[entailment\]"):
        EmbeddingModel(folder)


def test_the_model_of_make_embeddings_tells_what_is_alike() -> None:
    folder = Path(__file__).parents[3] / ".onrecord" / "models" / "all-minilm-l6-v2"
    if not (folder / "model.onnx").is_file():
        missing("there is no embedding model: run `make embeddings`")
    asked, alike, other = EmbeddingModel(folder).embed(
        ["the landlord asks for more money", "Our rent went up.", "My dog likes cheese."]
    )
    assert likeness(asked, alike) > likeness(asked, other) + 0.2
