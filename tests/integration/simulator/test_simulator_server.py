"""What the `openai` client sees of the simulator, fault by fault."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import openai
import pytest

from support.http_client import http_client

if TYPE_CHECKING:
    from integration.simulator.conftest import Simulation

    Start = Callable[..., Awaitable[Simulation]]

Document = dict[str, Any]


def quoted(document: Document, note: dict[str, Any]) -> str:
    (evidence,) = note["evidence"]
    text: str = next(s["text"] for s in document["segments"] if s["number"] == evidence["segment"])
    begin = text.index(evidence["first_words"])
    last = evidence["last_words"]
    return text[begin : text.index(last, begin) + len(last)]


async def get(simulation: Simulation, path: str) -> Any:
    async with http_client() as http:
        return (await http.get(simulation.url + path)).json()


async def put_rules(simulation: Simulation, body: bytes) -> tuple[int, Any]:
    async with http_client() as http:
        response = await http.put(
            f"{simulation.url}/simulator/rules",
            content=body,
            headers={"Content-Type": "application/json"},
        )
    return response.status_code, response.json()


async def in_flight_reaches(simulation: Simulation, count: int) -> None:
    async with asyncio.timeout(10):
        while (await get(simulation, "/simulator/requests"))["in_flight"] != count:
            pass


async def test_answers_with_notes_that_quote_participants(start: Start, document: Document) -> None:
    simulation = await start()
    answer = await simulation.ask()
    notes = json.loads(answer.choices[0].message.content or "")["notes"]
    assert [note["themes"] for note in notes] == [["cost"], ["trust"]]
    assert notes[0]["statement"] == "Our bill is sixty pounds a month for heating."
    assert quoted(document, notes[0]) == "Um, so our bill is, is sixty pounds a month for heating."
    assert (answer.model, answer.choices[0].finish_reason) == ("any-model", "stop")
    assert (answer.system_fingerprint or "").startswith("fp_")
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens == pytest.approx(len(json.dumps(document)) / 4, abs=5)


async def test_answers_other_prompts_without_notes(start: Start) -> None:
    simulation = await start()
    assert await simulation.notes("Hello, are you there?") == []
    answer = await simulation.ask("Hello, are you there?", response_format={"type": "text"})
    assert "simulated" in (answer.choices[0].message.content or "")


async def test_lists_its_model_and_is_healthy(start: Start) -> None:
    simulation = await start(model="pretend-1")
    assert [model.id async for model in simulation.client.models.list()] == ["pretend-1"]
    assert await get(simulation, "/healthz") == {"status": "ok"}


async def test_hang_ends_in_the_clients_timeout_and_leaves_nothing_behind(start: Start) -> None:
    simulation = await start({"fault": "hang", "times": 1})
    with pytest.raises(openai.APITimeoutError):
        await simulation.ask(patience=0.2)
    await in_flight_reaches(simulation, 0)
    assert (await get(simulation, "/simulator/requests"))["by_outcome"] == {"hang": 1}
    assert await simulation.notes()


async def test_slow_answers_come_late_but_well(start: Start) -> None:
    simulation = await start({"fault": "slow", "delay": 0.3})
    begun = asyncio.get_running_loop().time()
    assert await simulation.notes()
    assert asyncio.get_running_loop().time() - begun >= 0.3


async def test_a_client_that_gives_up_on_a_slow_answer_counts_as_abandoned(start: Start) -> None:
    simulation = await start({"fault": "slow", "delay": 600})
    with pytest.raises(openai.APITimeoutError):
        await simulation.ask(patience=0.2)
    await in_flight_reaches(simulation, 0)
    assert (await get(simulation, "/simulator/requests"))["by_outcome"] == {"abandoned": 1}


async def test_rate_limit_tells_how_long_to_wait(start: Start) -> None:
    simulation = await start({"fault": "rate_limit", "retry_after": 1.5})
    with pytest.raises(openai.RateLimitError) as raised:
        await simulation.ask()
    headers = raised.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "1500")
    assert raised.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize("status", [500, 503])
async def test_server_error_has_the_status_asked_for(start: Start, status: int) -> None:
    simulation = await start({"fault": "server_error", "status": status})
    with pytest.raises(openai.InternalServerError) as raised:
        await simulation.ask()
    assert raised.value.status_code == status


async def test_invalid_json_claims_to_be_complete(start: Start) -> None:
    simulation = await start({"fault": "invalid_json"})
    choice = (await simulation.ask()).choices[0]
    assert choice.finish_reason == "stop"
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice.message.content or "")


async def test_cut_off_says_so(start: Start) -> None:
    simulation = await start({"fault": "cut_off"})
    choice = (await simulation.ask()).choices[0]
    assert choice.finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice.message.content or "")


async def test_an_answer_longer_than_allowed_is_cut_off(start: Start) -> None:
    simulation = await start()
    answer = await simulation.ask(max_completion_tokens=10)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage
    assert answer.usage.completion_tokens == 10


async def test_disconnect_ends_the_connection_without_an_answer(start: Start) -> None:
    simulation = await start({"fault": "disconnect", "times": 1})
    with pytest.raises(openai.APIConnectionError):
        await simulation.ask()
    assert (await get(simulation, "/simulator/requests"))["by_outcome"] == {"disconnect": 1}
    assert await simulation.notes()


async def test_stall_of_a_whole_answer_is_a_hang(start: Start) -> None:
    simulation = await start({"fault": "stall"})
    with pytest.raises(openai.APITimeoutError):
        await simulation.ask(patience=0.2)
    await in_flight_reaches(simulation, 0)
    assert (await get(simulation, "/simulator/requests"))["by_outcome"] == {"stall": 1}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("seconds", {"retry-after": r"2"}),
        ("date", {"retry-after": r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"}),
        ("nothing", {}),
    ],
)
async def test_rate_limit_can_tell_the_wait_in_other_forms(
    start: Start, form: str, expected: dict[str, str]
) -> None:
    rule = {"fault": "rate_limit", "retry_after": 1.5, "retry_after_in": form}
    simulation = await start(rule)
    with pytest.raises(openai.RateLimitError) as raised:
        await simulation.ask()
    headers = {k: v for k, v in raised.value.response.headers.items() if k.startswith("retry")}
    assert headers.keys() == expected.keys()
    assert all(re.fullmatch(expected[name], headers[name]) for name in expected)


async def test_refusal_has_no_content(start: Start) -> None:
    simulation = await start({"fault": "refusal"})
    message = (await simulation.ask()).choices[0].message
    assert message.content is None
    assert message.refusal


async def test_altered_numbers_are_in_every_note_and_in_no_quote(
    start: Start, document: Document
) -> None:
    simulation = await start({"fault": "altered_number"})
    for note in await simulation.notes():
        numbers = set(re.findall(r"\d+|seventy", note["statement"]))
        assert numbers
        assert not numbers & set(re.findall(r"\w+", quoted(document, note)))


async def test_paraphrased_numbers_are_in_no_quote(start: Start, document: Document) -> None:
    notes = await (await start({"fault": "paraphrased_number"})).notes()
    assert notes[0]["statement"] == "Our bill is more than 50 pounds a month for heating."
    assert re.search(r"more than \d+|several", notes[1]["statement"])


async def test_dropped_negation_turns_every_statement_round(start: Start) -> None:
    good = await (await start()).notes()
    bad = await (await start({"fault": "dropped_negation"})).notes()
    negation = re.compile(r"\b(?:not|never)\b|n't")
    assert len(bad) == len(good)
    for before, after in zip(good, bad, strict=True):
        spoken = bool(negation.search(before["statement"]))
        assert bool(negation.search(after["statement"])) is not spoken


async def test_wrong_segment_is_not_in_the_chunk(start: Start, document: Document) -> None:
    known = {segment["number"] for segment in document["segments"]}
    notes = await (await start({"fault": "wrong_segment"})).notes()
    assert notes
    assert not known & {one["segment"] for note in notes for one in note["evidence"]}


async def test_unknown_theme_is_not_in_the_study(start: Start) -> None:
    notes = await (await start({"fault": "unknown_theme"})).notes()
    assert notes
    assert not {"cost", "trust"} & {theme for note in notes for theme in note["themes"]}


async def test_interviewer_quote_is_exact_and_the_interviewers(
    start: Start, document: Document
) -> None:
    notes = await (await start({"fault": "interviewer_quote"})).notes()
    assert notes
    assert {quoted(document, note) for note in notes} == {"What do you pay for it?"}


@pytest.mark.parametrize(
    "more",
    [
        {"stream": "slowly"},
        {"response_format": {"type": ["text"]}},
        {"max_completion_tokens": 0},
        {"max_completion_tokens": "many"},
        {"model": ""},
    ],
)
async def test_refuses_requests_it_cannot_answer(start: Start, more: dict[str, Any]) -> None:
    simulation = await start()
    with pytest.raises(openai.BadRequestError):
        await simulation.client.chat.completions.create(
            **{"model": "m", "messages": [{"role": "user", "content": "Hi"}], **more}
        )


async def test_the_same_seed_gives_the_same_answers_in_any_order(
    start: Start, document: Document
) -> None:
    rules = (
        {"fault": "refusal", "rate": 0.3},
        {"fault": "altered_number", "rate": 0.3},
        {"fault": "server_error", "rate": 0.2},
    )
    asked = [json.dumps({**document, "label": number}) for number in range(24)]

    async def outcomes(order: list[str], seed: int) -> dict[str, list[str]]:
        simulation = await start(*rules, seed=seed, latency="uniform:0,0.02")

        async def twice(content: str) -> list[str]:
            return [await outcome(simulation, content) for _ in range(2)]

        return dict(zip(order, await asyncio.gather(*map(twice, order)), strict=True))

    forward, backward = await outcomes(asked, 7), await outcomes(asked[::-1], 7)
    assert forward == backward
    assert len({tuple(one) for one in forward.values()}) > 3
    assert any(first != second for first, second in forward.values())
    assert await outcomes(asked, 8) != forward


async def outcome(simulation: Simulation, content: str) -> str:
    try:
        answer = await simulation.ask(content)
    except openai.InternalServerError as error:
        return str(error.status_code)
    return f"{answer.id} {answer.choices[0].message} {answer.system_fingerprint}"


async def test_rules_can_be_replaced_while_it_runs(start: Start) -> None:
    simulation = await start({"fault": "refusal"})
    assert (await simulation.ask()).choices[0].message.refusal
    status, now = await put_rules(simulation, b'[{"fault": "unknown_theme", "match": "Warm"}]')
    assert (status, now["fired"]) == (200, [0])
    assert await simulation.notes()
    assert await get(simulation, "/simulator/rules") == {
        "rules": [{"fault": "unknown_theme", "match": "Warm"}],
        "fired": [1],
    }
    counted = await get(simulation, "/simulator/requests")
    assert counted["by_outcome"] == {"refusal": 1, "unknown_theme": 1}
    assert counted["recent"][-1]["notes"] == 2


@pytest.mark.parametrize("body", [b"[", b'[{"fault": "explode"}]', b"\xff"])
async def test_bad_rules_are_refused_and_the_old_ones_stay(start: Start, body: bytes) -> None:
    simulation = await start({"fault": "refusal"})
    status, answer = await put_rules(simulation, body)
    assert status == 400
    assert answer["error"]["message"].startswith("rules: ")
    assert (await simulation.ask()).choices[0].message.refusal


def long_winded(document: Document, characters: int = 350_000) -> Document:
    """The document with a participant who goes on and on; it takes a second or so to read."""
    talk = document["segments"][-1]["text"]
    spoken = "".join(f"That is {number}. {talk} " for number in range(characters // len(talk)))
    return {**document, "segments": [*document["segments"][:-1], said_by_ben(spoken)]}


def said_by_ben(text: str) -> Document:
    return {"number": 6, "speaker": "Ben", "role": "participant", "text": text}


async def test_serves_others_while_it_reads_a_long_prompt(start: Start, document: Document) -> None:
    simulation = await start()
    long = asyncio.create_task(simulation.notes(long_winded(document)))
    await in_flight_reaches(simulation, 1)
    assert await get(simulation, "/healthz") == {"status": "ok"}
    assert await simulation.notes()
    assert not long.done()
    assert await long


async def test_a_client_that_leaves_while_its_prompt_is_read_counts_as_abandoned(
    start: Start, document: Document
) -> None:
    simulation = await start()
    with pytest.raises(openai.APITimeoutError):
        await simulation.ask(long_winded(document), patience=0.2)
    await in_flight_reaches(simulation, 0)
    assert (await get(simulation, "/simulator/requests"))["by_outcome"] == {"abandoned": 1}


async def test_refuses_a_prompt_beyond_its_context_as_a_real_endpoint_does(start: Start) -> None:
    simulation = await start({"fault": "hang"}, context_characters=1_000)
    with pytest.raises(openai.BadRequestError) as raised:
        await simulation.ask("a" * 1_000)  # and the system's message
    assert raised.value.code == "context_length_exceeded"
    counted = await get(simulation, "/simulator/requests")
    assert counted["by_outcome"] == {"context_length_exceeded": 1}
