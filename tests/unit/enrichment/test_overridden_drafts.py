"""A replay names a model and a prompt version for its own chunks, within what a study allows."""

from __future__ import annotations

import pytest

from contracts.replay_options import ReplayOverrides
from enrichment.drafter import PromptVersionUnknownError, choose_models, choose_prompt
from model_client.errors import ModelNotConfiguredError
from prompts.notes import CURRENT, PROMPTS
from support.chunks import CHUNK

STUDY = CHUNK.study.model_copy(update={"models": ()})


def test_the_current_prompt_is_asked_with_unless_a_replay_names_another() -> None:
    assert choose_prompt(ReplayOverrides()) is CURRENT
    for version, prompt in PROMPTS.items():
        assert choose_prompt(ReplayOverrides(prompt_version=version)) is prompt


def test_a_version_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(PromptVersionUnknownError, match="there are notes-1, notes-2"):
        choose_prompt(ReplayOverrides(prompt_version="notes-99"))


def test_a_model_takes_the_place_of_all_others() -> None:
    assert choose_models(STUDY, ReplayOverrides()) == ()
    assert choose_models(STUDY, ReplayOverrides(model="small")) == ("small",)
    named = STUDY.model_copy(update={"models": ("large", "small")})
    assert choose_models(named, ReplayOverrides()) == ("large", "small")
    assert choose_models(named, ReplayOverrides(model="small")) == ("small",)


def test_a_study_that_names_its_models_is_read_by_no_other() -> None:
    named = STUDY.model_copy(update={"models": ("large",)})
    with pytest.raises(ModelNotConfiguredError, match="the study does not name"):
        choose_models(named, ReplayOverrides(model="small"))
