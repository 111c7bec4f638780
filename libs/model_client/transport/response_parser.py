"""Parser of a model's text: finds the JSON, validates it, and describes what is wrong with it.

Endpoints promise more than they keep, and reasoning models think aloud. What is found is taken as
it stands or asked for again; nothing is mended by guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model_client.errors import BadOutputError
from model_client.requests import ChatMessage

A = TypeVar("A", bound=BaseModel)

LONGEST_READ: Final = 1_000_000
"""Characters of an answer: many times what a model's longest one has."""

MAX_PROBLEMS: Final = 5
"""Most problems that are named to the model."""

LONGEST_SHOWN: Final = 4_000
"""Most characters of an answer that its model is shown again."""

MOST_BROKEN: Final = 1_000
"""Most brackets that begin no JSON before the search is given up: each costs a scan of all the
text."""

MOST_ODD: Final = 20
"""Most of them without a position of the decoder's error: each costs parsing all the text."""

_THINKING: Final = r"(?:think|thinking|thought|thoughts|reason|reasoning|reflection|scratchpad)"
_THOUGHT: Final = re.compile(
    # As DeepSeek, Qwen and others do it; their templates often open the tag in the prompt. The
    # last one is the beginning of the answer in gpt-oss's format ("harmony").
    rf"</{_THINKING}>|\[/THINK\]|<\|channel\|>final<\|message\|>",
    re.IGNORECASE,
)
_FENCED: Final = re.compile(r"\A`{3,}[\w-]*\s(.*?)`{3,}\Z", re.DOTALL)
_OPENING: Final = re.compile(r"[\[{]")


def parse_answer(text: str, answer: type[A], *, requires_single_object: bool = False) -> A:
    """Parse the JSON in a model's answer as the pydantic model that is expected.

    It may stand among sentences, behind thoughts, in a code fence, or as JSON within a JSON string.
    Of several values the last counts that is valid. Unknown keys are ignored.

    Args:
        text: all that the model wrote.
        answer: what is expected.
        requires_single_object: whether valid values that differ are no answer, in place of
            the last of them.

    Raises:
        BadOutputError: there is none; the message gives the reason without quoting the text.
    """
    if len(text) > LONGEST_READ:
        raise BadOutputError(f"the answer is longer than {LONGEST_READ:,} characters")
    if not text.strip():
        raise BadOutputError("the answer is empty")
    problem: BadOutputError | None = None
    valid: list[A] = []
    for value in reversed([*_values(_without_thoughts(text))]):
        try:
            valid.append(_validated(value, answer))
        except BadOutputError as error:
            # The last value is most likely the one that was meant as the answer.
            problem = problem or error
        if valid and not requires_single_object:
            break
    if any(one != valid[0] for one in valid):
        raise BadOutputError("the answer holds several JSON objects that differ")
    if valid:
        return valid[0]
    raise problem or BadOutputError("the answer holds no complete JSON object")


def build_repair_messages(text: str, error: BadOutputError) -> list[ChatMessage]:
    """Build chat messages that ask a model to correct its invalid answer.

    Args:
        text: what it wrote.
        error: what is wrong with it, from ``parse_answer``.

    Returns:
        Its own answer, shortened, and a JSON document that names the problem.
    """
    problem = {
        "problem": str(error),
        "request": "Answer again, in full, with JSON alone that fits the schema.",
    }
    asking: ChatMessage = {"role": "user", "content": json.dumps(problem, ensure_ascii=False)}
    shown = _shown(text)
    # Some endpoints refuse a message without content.
    return [{"role": "assistant", "content": shown}, asking] if shown else [asking]


def describe_validation_errors(problems: Sequence[ErrorDetails]) -> str:
    """Describe a pydantic model's validation errors in words for a language model.

    Made of the expected names and of positions, never of the answer's own text.
    """
    problems_found = dict.fromkeys(_explained(one) for one in problems)
    more = len(problems_found) - MAX_PROBLEMS
    return "; ".join([*problems_found][:MAX_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")


def _without_thoughts(text: str) -> str:
    """Return what follows the last thought, if the text as it stands is not JSON already."""
    bare = _bare(text)
    if bare[:1] in {"{", "["} and _decoded(bare) is not None:
        return bare
    ends = [match.end() for match in _THOUGHT.finditer(text)]
    return _bare(text[ends[-1] :]) if ends else bare


def _bare(text: str) -> str:
    """Return a text without byte order mark, spaces and one code fence around it."""
    bare = text.strip("\ufeff \t\r\n")
    fenced = _FENCED.match(bare)
    return fenced[1].strip() if fenced else bare


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _values(text: str) -> Iterator[Any]:
    """Yield all JSON objects and lists in a text, in order; none that is within another."""
    read_body = _decoded(text)
    if isinstance(read_body, str):
        # JSON that was encoded twice. It decodes to less text each time, so this comes to an end.
        yield from _values(_bare(read_body))
        return
    place, broken, odd = 0, 0, 0
    while broken < MOST_BROKEN and odd < MOST_ODD and (opening := _OPENING.search(text, place)):
        place = opening.start()
        try:
            value, place = _DECODER.raw_decode(text, place)
            yield value
        except json.JSONDecodeError as error:
            # What lies before was read, as part of this value: a part is no answer.
            place, broken = max(place + 1, error.pos), broken + 1
        except ValueError:
            place, odd = place + 1, odd + 1
        except RecursionError:
            return


def _validated(value: Any, answer: type[A]) -> A:
    if not isinstance(value, dict):
        raise BadOutputError("the answer holds no complete JSON object; a list is none")
    try:
        valid = answer.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=True)
        raise BadOutputError(
            f"the answer does not fit: {describe_validation_errors(details)}"
        ) from None
    texts = [*_texts(valid.model_dump())]
    if any("\0" in one for one in texts):
        # PostgreSQL stores none, and no interview holds one.
        raise BadOutputError("the answer has a NUL character in a text")
    if any("\ud800" <= character <= "\udfff" for one in texts for character in one):
        # Half a surrogate pair, which nothing that encodes text can pass on.
        raise BadOutputError("the answer holds a character that is not valid Unicode")
    return valid


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in _texts(one))
    elif isinstance(value, list | tuple):
        yield from (text for one in value for text in _texts(one))


_WORDED: Final = {
    "missing": "is missing",
    "string_type": "has to be a string",
    "nul_character": "has a NUL character",
    "string_unicode": "holds a character that is not valid Unicode",
    "string_too_short": "may not be empty",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "float_type": "has to be a number",
    "float_parsing": "has to be a number",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "list_type": "has to be a list",
    "tuple_type": "has to be a list",
    "dict_type": "has to be an object",
    "model_type": "has to be an object",
    "model_attributes_type": "has to be an object",
}
"""Descriptions of pydantic's error types (its documentation, “Validation Errors”)."""


def _explained(problem: ErrorDetails) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    worded = _WORDED.get(kind)
    if kind == "string_too_long":
        worded = f"may have {context['max_length']} characters at most"
    elif kind in {"enum", "literal_error"}:
        worded = f"has to be {context['expected']}"
    # Validators of an answer's own may quote their input in their message: the type is enough.
    return f"{_where(problem['loc'])} {worded or f'is not valid ({kind})'}"


def _where(location: tuple[int | str, ...]) -> str:
    """Return a location as ``notes[2].evidence[0].segment``, counted from 0 as in code."""
    steps = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in location)
    return "".join(steps).removeprefix(".") or "the object"


def _shown(text: str) -> str:
    """Return an answer as its model may see it again: short, sendable, without template tokens."""
    bare = _without_thoughts(text)
    if len(bare) > LONGEST_SHOWN:
        half = LONGEST_SHOWN // 2
        bare = f"{bare[:half]} … {bare[-half:]}"
    sendable = bare.encode("utf-8", "replace").decode().replace("\0", "")
    # The same JSON, as "<" can only stand inside its strings; "<|im_end|>" then ends nothing.
    return sendable.replace("<", "\\u003c")
