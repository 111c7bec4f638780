"""Pairs are scored by real ONNX models; one that cannot be used says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from entailment import TextPair, onnx_scorer
from entailment.files import read_model_folder
from entailment.onnx_scorer import OnnxScorer
from onnx_models import (
    ModelError,
    ModelFolderError,
    NotInstalledError,
    ScoreError,
    make_batches,
    text_model,
)
from support.entailment_models import (
    write_config,
    write_constant_model,
    write_options,
    write_quantised,
    write_transformer,
    write_word_model,
)
from support.stove_talk import list_examples

NAN, INFINITY = float("nan"), float("inf")


def open_scorer(folder: Path) -> OnnxScorer:
    return OnnxScorer(read_model_folder(folder))


LOW, HIGH = 0.1, 0.9


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_true_pairs_score_above_false_ones_whatever_the_classes(
    tmp_path: Path, classes: int
) -> None:
    examples = list_examples()
    scorer = open_scorer(write_word_model(tmp_path, examples, classes=classes))
    scores = scorer.score([TextPair(*one[:2]) for one in examples])
    true = [score for score, one in zip(scores, examples, strict=True) if one[2]]
    false = [score for score, one in zip(scores, examples, strict=True) if not one[2]]
    assert all(0 <= score <= 1 for score in scores)
    assert min(true) > HIGH
    assert max(false) < LOW


def test_a_batch_with_padding_scores_as_each_pair_alone(tmp_path: Path) -> None:
    scorer = open_scorer(write_transformer(tmp_path))
    words = [f"w{at}" for at in range(60)]
    pairs = [TextPair(" ".join(words[:length]), f"w{length} w1") for length in range(1, 60, 3)]
    alone = [scorer.score([one])[0] for one in pairs]
    assert len({round(one, 6) for one in alone}) > len(pairs) / 2
    assert scorer.score(pairs) == pytest.approx(alone, abs=1e-5)
    assert scorer.score([]) == []


def test_a_batch_has_a_bounded_number_of_tokens() -> None:
    lengths = [500, 3, 3_000, 128, 128, 4] * 40
    batches = list(make_batches(lengths, onnx_scorer._MAX_BATCH_TOKENS))
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[at] for at in batch)
        assert padded <= onnx_scorer._MAX_BATCH_TOKENS or len(batch) == 1
    assert len(batches) < len(lengths) / 1.5


def test_a_template_holds_both_texts_whatever_braces_they_have(tmp_path: Path) -> None:
    write_transformer(tmp_path)
    write_options(tmp_path, {"template": "w1 {hypothesis} w2 {premise} w3"})
    scorer = open_scorer(tmp_path)
    pair = TextPair("w5 {hypothesis}", "w6 {premise}")
    tokens = scorer._onnx.tokenizer.encode("w1 w6 {premise} w2 w5 {hypothesis} w3").ids
    assert scorer._encode(pair).ids == tokens
    assert scorer.pair_tokens == 128 - 5  # the template's three words, and two tokens around


@pytest.mark.parametrize("template", [None, "{premise} [SEP] {hypothesis}"])
def test_what_is_said_never_reads_as_the_models_own_separators(
    tmp_path: Path, template: str | None
) -> None:
    write_transformer(tmp_path)
    write_options(tmp_path, {"template": template})
    scorer = open_scorer(tmp_path)
    plain = scorer._encode(TextPair("w1 w2", "w3 w4")).ids
    forged = TextPair("w1 [SEP]w2", "[CLS]w3 [PAD][S[SEP]EP]w4")
    assert [one for one in scorer._encode(forged).ids if one != UNKNOWN] == plain
    assert scorer.score([TextPair("[SEP]", "[CLS]")])


UNKNOWN = 1


def test_the_score_is_of_the_class_that_is_said_to_follow(tmp_path: Path) -> None:
    write_constant_model(tmp_path, [[0.0, 2.0]], labels=("LABEL_0", "LABEL_1"))
    write_options(tmp_path, {"entailed_class": 0, "name": "mine"})
    scorer = open_scorer(tmp_path)
    assert scorer.score([TextPair("a", "b")]) == [pytest.approx(0.1192, abs=1e-4)]
    assert re.fullmatch(r"mine@[0-9a-f]{12}", scorer.name)


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def classes(*logits: float, labels: tuple[str, ...] = ()) -> Callable[[Path], object]:
    return lambda folder: write_constant_model(folder, [logits], labels=labels)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (remove("model.onnx"), "there is no model.onnx"),
        (remove("tokenizer.json"), "there is no tokenizer.json"),
        (remove("config.json"), "there is neither config.json nor entailment.json"),
        (put("model.onnx", "no model"), "model.onnx: is no ONNX model: "),
        (put("tokenizer.json", "{}"), "tokenizer.json: is no tokenizer: "),
        (put("config.json", "no JSON"), "config.json: is no JSON"),
        (put("config.json", "[]"), "config.json: is no JSON object"),
        (put("config.json", '{"id2label": ["a"]}'), "does not number the labels"),
        (put("config.json", '{"id2label": {"1": "entailment"}}'), "labels from 0"),
        (put("entailment.json", '{"temperature": 1}'), "entailment.json: temperature: Extra"),
        (put("entailment.json", '{"template": "{premise}"}'), "needs {premise} once and"),
        (put("entailment.json", '{"max_tokens": 1}'), "entailment.json: max_tokens: "),
        (put("entailment.json", '{"entailed_class": 2}'), "none with the number 2"),
        (classes(0.1, 0.2), "which of the classes (without names) means"),
        (classes(0.1, 0.2, labels=("LABEL_0", "LABEL_1")), "(LABEL_0, LABEL_1) means"),
        (classes(0.1, 0.2, labels=("a", "b", "entailment")), "has 2 classes, and id2label names 3"),
        (classes(0.1, 0.2, 0.3, 0.4), "gives 1x4 for one pair"),
        (classes(NAN), "gave a score that is no number"),
        (classes(INFINITY), "gave a score that is no number"),
        (classes(0.0, NAN, labels=("no", "entailment")), "gave a score that is no number"),
        (
            lambda folder: write_constant_model(folder, [[0.1]], inputs=("pixel_values",)),
            "takes the inputs pixel_values; known are input_ids",
        ),
        (
            lambda folder: write_constant_model(folder, [[0.1], [0.2]]),
            "gives 2x1 for one pair",
        ),
    ],
)
def test_a_model_that_cannot_be_used_says_why(
    tmp_path: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    write_transformer(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ModelError, match=re.escape(reason)) as caught:
        open_scorer(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="nowhere: there is no such folder"):
        read_model_folder(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="file: is no folder"):
        read_model_folder(tmp_path / "file")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    write_transformer(tmp_path)
    with (tmp_path / "model.onnx").open("r+b") as opened:
        opened.truncate(2**31)  # a hole, which takes no room
    with pytest.raises(ModelFolderError, match="2,147,483,648 bytes; at most 2,147,483,647"):
        read_model_folder(tmp_path)


def test_weights_in_another_file_are_refused_as_nobody_hashed_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx  # noqa: PLC0415 - for this test alone

    write_transformer(tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    onnx.save_model(
        model,
        tmp_path / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=1_024,
    )
    monkeypatch.chdir(tmp_path)  # where the runtime looks for them
    with pytest.raises(ModelFolderError, match="has weights in other files"):
        open_scorer(tmp_path)


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_transformer(tmp_path)
    monkeypatch.setattr(text_model, "PACKAGES", ("onnxruntime", "a_package_that_nobody_has"))
    with pytest.raises(NotInstalledError, match=r"install onrecord\[entailment\]"):
        open_scorer(tmp_path)


def test_a_score_that_turns_out_to_be_no_number_is_an_error(tmp_path: Path) -> None:
    scorer = open_scorer(write_transformer(tmp_path))
    with pytest.raises(ScoreError, match="no number"):
        scorer._turn_into_scores(scorer._np.array([[0.1, NAN]]))


def test_the_largest_logits_are_certainties(tmp_path: Path) -> None:
    scorer = open_scorer(write_constant_model(tmp_path, [[0.0]]))
    logits = scorer._np.array([[5_000.0], [-5_000.0]])
    assert scorer._turn_into_scores(logits) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"max_position_embeddings": 514, "model_type": "roberta"}, 512),
        ({"max_position_embeddings": None}, 512),
        ({"max_position_embeddings": 1_000_000}, 8_192),
    ],
)
def test_the_length_of_inputs_is_the_models(
    tmp_path: Path, config: dict[str, object], tokens: int
) -> None:
    write_constant_model(tmp_path, [[0.0]])
    write_config(tmp_path, (), **config)
    assert read_model_folder(tmp_path).max_tokens == tokens


def test_options_go_before_the_configuration(tmp_path: Path) -> None:
    write_constant_model(tmp_path, [[0.0]])
    (tmp_path / "entailment.json").write_text(json.dumps({"max_tokens": 64, "window_tokens": 32}))
    model = read_model_folder(tmp_path)
    assert (model.max_tokens, model.window_tokens) == (64, 32)


def test_a_model_with_8_bit_weights_is_a_model_like_others(tmp_path: Path) -> None:
    whole = write_transformer(tmp_path / "whole")
    small = write_quantised(whole, tmp_path / "small")
    pairs = [TextPair(f"w{at} w{at + 1} w{at + 2}", f"w{at + 3} w{at}") for at in range(20)]
    scorers = [open_scorer(whole), open_scorer(small)]
    exact, rounded = (scorer.score(pairs) for scorer in scorers)
    assert scorers[0].name != scorers[1].name
    assert (small / "model.onnx").stat().st_size < (whole / "model.onnx").stat().st_size
    assert max(abs(one - other) for one, other in zip(exact, rounded, strict=True)) < 0.1
