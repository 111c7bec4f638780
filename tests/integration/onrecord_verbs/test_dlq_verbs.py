"""``onrecord dlq``, against control's API."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import typer

from contracts import ids
from contracts.access import CreateTokenRequest
from control.access.tokens import TokenStore
from control.letters.store import DeadLetterStore
from database.pool import open_database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import chunk, ingested
from support.served_control import ODD_BYTES, letter, name_of
from support.waiting import until


def states(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert cli.run_command(["dlq", "list", "--state", "all", "--json"]) == 0
    return [one["state"] for one in reversed(json.loads(capsys.readouterr().out))]


def test_lists_letters_the_latest_first(control: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["dlq", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:8] for line in lines[1::2]] == [name_of(2), name_of(1), name_of(0)]
    assert lines[-1] == "          it failed for reason 0 (about chunk-0)"
    assert max(map(len, lines)) <= 80
    assert cli.run_command(["dlq", "list", "--code", "llm_timeout", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["subject"], one["key"]) == ("chunk-0", "//77")


def test_letters_that_are_named_go_back_with_what_is_set_for_them_alone(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    name, options = name_of(0), ["--statements", "quotes", "--deadline", "2m"]
    assert cli.run_command(["dlq", "replay", name, name, *options]) == 0
    assert "1 dead letter put back" in capsys.readouterr().out
    assert states(capsys).count("replayed") == 1
    assert cli.run_command(["dlq", "plan", "list", "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)["plans"]
    assert [one[:8] for one in plan["which"]["letter_ids"]] == [name]
    assert (plan["overrides"]["statements"], plan["overrides"]["deadline_s"]) == ("quotes", 120)
    # What is set for many is set by the same options.
    assert cli.run_command(["dlq", "replay", "--all", "--yes", "--force", "--model", "small"]) == 0
    assert cli.run_command(["dlq", "plan", "list", "--json"]) == 0
    plan, _ = json.loads(capsys.readouterr().out.rpartition("put back")[2].lstrip())["plans"]
    assert plan["overrides"]["model"] == "small"


def test_a_typo_in_a_condition_says_what_there_is(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in (["list"], ["causes"], ["plan", "create"], ["discard", "--reason", "x", "--yes"]):
        assert cli.run_command(["dlq", *verb, "--where", "prompt=nots-1"]) == 2
        assert "nothing was drafted with 'nots-1'; there are notes-" in capsys.readouterr().err
    assert cli.run_command(["dlq", "causes", "--where", "key=x"]) == 2
    assert "causes are selected by code, model, prompt, service, study" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("grants", "is_named"),
    [
        (({"role": "operator"},), False),
        (({"role": "operator"}, {"role": "reader"}), True),
        (({"role": "operator"}, {"role": "reader", "study_id": "billing"}), True),
        (({"role": "operator"}, {"role": "reader", "study_id": "another"}), False),
        (({"role": "admin"},), True),
    ],
)
def test_titles_of_interviews_are_for_those_who_may_read_their_notes(  # noqa: PLR0917 - fixtures
    control: None,
    postgres_settings: PostgresSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    grants: tuple[dict[str, str], ...],
    is_named: bool,  # noqa: FBT001 - a parameter
) -> None:
    async def prepare() -> str:
        async with open_database(postgres_settings) as database:
            await NotesStore(database).store_transcript(ingested())
            await database.execute(
                "UPDATE dead_letters SET subject = $1 WHERE letter_id = $2",
                *(str(chunk().chunk_id), letter(0).letter_id),
            )
            wanted = CreateTokenRequest.model_validate({"name": "ann", "grants": grants})
            return (await TokenStore(database).create(wanted, "a test")).secret

    monkeypatch.setenv("ONRECORD_TOKEN", asyncio.run(prepare()))
    monkeypatch.setenv("POSTGRES_DSN", "postgresql://127.0.0.1:1/none")  # nobody asks it
    for verb in (["list"], ["show", name_of(0)]):
        assert cli.run_command(["dlq", *verb]) == 0
        assert ("Interview 1, chunk 1" in capsys.readouterr().out) == is_named


def test_shows_a_json_value_and_never_a_control_character(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "show", name_of(0)]) == 0
    page = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert "message it failed for reason 0" in lines
    assert "odd\\x1b 0xfbff" in lines
    assert '"café",' in lines
    assert "\x1b" not in page
    assert cli.run_command(["dlq", "show", name_of(0), "--json"]) == 0
    shown = capsys.readouterr().out.encode()
    assert json.loads(shown)["value_json"]["words"][2] == "\ud800"


def test_shows_other_values_in_hex_and_writes_them_byte_for_byte(
    control: None, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert cli.run_command(["dlq", "show", name_of(1)]) == 0
    page = capfdbinary.readouterr().out.decode()
    assert "000001f0  f0 f1" in page
    assert "00000200" not in page
    assert "256 more bytes; --raw writes them all" in page
    assert cli.run_command(["dlq", "show", name_of(1), "--raw"]) == 0
    assert capfdbinary.readouterr().out == ODD_BYTES
    assert cli.run_command(["dlq", "show", name_of(2), "--raw"]) == 1


def test_replays_named_letters_and_tells_which_it_could_not(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "replay", name_of(0)[:4]]) == 0
    assert capsys.readouterr().out == "1 dead letter put back\n"
    assert states(capsys) == ["replayed", "open", "open"]
    assert cli.run_command(["dlq", "replay", name_of(0), name_of(1), "ffffffff"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "1 dead letter put back\n"
    assert "2 letters not put back" in printed.err
    assert "is replayed" in printed.err
    assert "there is no letter ffffffff" in printed.err
    assert states(capsys) == ["replayed", "replayed", "open"]


def test_replays_all_open_letters_of_one_cause(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        cli.run_command(["dlq", "replay", "--all", "--code", "undecodable", "--yes", "--json"]) == 0
    )
    plan = json.loads(capsys.readouterr().out)
    assert (plan["letters"], plan["counts"]["replayed"]) == (2, 2)
    assert states(capsys) == ["open", "replayed", "replayed"]


def test_a_replay_of_all_leaves_out_what_no_replay_mends_and_says_so(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "replay", "--all", "--yes"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "1 dead letter put back\n"
    output = " ".join(printed.err.split())
    assert output.startswith("left out: 2 undecodable. The same message fails again")
    assert "--code" in output
    assert "what becomes of them: `onrecord dlq plan show" in output
    assert states(capsys) == ["replayed", "open", "open"]
    assert cli.run_command(["dlq", "replay", "--all", "--yes", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"plan_id": None, "letters": 0, "left_out": {"undecodable": 2}}


def test_a_replay_of_many_is_a_plan_that_can_be_waited_for(
    control: None, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def heal() -> None:
        async with open_database(postgres_settings) as database:
            await until(
                lambda: database.fetchval(
                    "UPDATE dead_letters SET outcome = 'resolved', outcome_at = now()"
                    " WHERE state = 'replayed' RETURNING 1"
                )
            )

    with ThreadPoolExecutor(1) as pool:
        healing = pool.submit(lambda: asyncio.run(heal()))
        assert (
            cli.run_command(["dlq", "replay", "--where", "code=llm_timeout", "-y", "--wait"]) == 0
        )
        healing.result()
    printed = capsys.readouterr()
    assert printed.out == "1 dead letter put back\nfinished: healed 1, died again 0\n"
    assert cli.run_command(["dlq", "plan", "list", "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)["plans"]
    assert (plan["state"], plan["letters"], plan["which"]["code"]) == ("finished", 1, "llm_timeout")


@pytest.mark.parametrize("answer", ["no", "interrupt"])
def test_a_replay_of_many_shows_its_plan_before_it_asks(
    control: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
) -> None:
    def confirm(*_: object, **__: object) -> bool:
        if answer == "interrupt":
            raise typer.Abort
        return False

    monkeypatch.setattr(
        "onrecord.commands.dlq.selection.refuse_without_terminal", lambda *_, **__: None
    )
    monkeypatch.setattr(
        "onrecord.commands.dlq.replays.refuse_without_terminal", lambda *_, **__: None
    )
    monkeypatch.setattr(typer, "confirm", confirm)
    assert cli.run_command(["dlq", "replay", "--all"]) != 0
    assert "1 letters, ready" in capsys.readouterr().err
    assert states(capsys) == ["open", "open", "open"]
    assert cli.run_command(["dlq", "plan", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plans"][0]["state"] == "cancelled"


def test_an_interrupt_says_how_to_go_on(
    control: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("onrecord.replay_plans.follow_replay_plan", interrupt)
    assert cli.run_command(["dlq", "replay", "--all", "--yes"]) == 130
    output = " ".join(capsys.readouterr().err.split())
    assert "the plan goes on: `onrecord dlq plan show" in output
    assert "`onrecord dlq plan cancel" in output


def test_discards_a_letter_once_and_for_a_reason(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "discard", name_of(0), "--reason", "a test"]) == 0
    assert states(capsys) == ["discarded", "open", "open"]
    assert cli.run_command(["dlq", "discard", name_of(0), "--reason", "again"]) == 1
    assert cli.run_command(["dlq", "show", name_of(0)]) == 0
    assert "reason a test" in " ".join(capsys.readouterr().out.split())


def test_discarding_a_replayed_letter_names_the_one_it_became(
    control: None, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "replay", name_of(0)]) == 0
    assert cli.run_command(["dlq", "discard", name_of(0), "--reason", "a test"]) == 1
    assert "failed again" not in capsys.readouterr().err
    again = letter(0).model_copy(
        update={
            "letter_id": ids.derive_id("letter", "again"),
            "replay_of": letter(0).letter_id,
            "dlq_offset": 17,
        }
    )

    async def die_again() -> None:
        async with open_database(postgres_settings) as database:
            await DeadLetterStore(database).index_letter(again)

    asyncio.run(die_again())
    assert cli.run_command(["dlq", "discard", name_of(0), "--reason", "a test"]) == 1
    assert f"failed again: discard {again.letter_id} instead" in capsys.readouterr().err


def test_counts_letters_by_service_and_cause(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "stats"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["enrichment", "undecodable", "2"] in rows
    assert rows[-1] == ["all", "3"]


def test_an_id_that_names_no_letter_is_bad_input(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["dlq", "show", "ffffffff"]) == 2
    assert cli.run_command(["dlq", "show", "abc"]) == 2
    assert "at least 4" in capsys.readouterr().err
    assert cli.run_command(["dlq", "replay", "ffffffff"]) == 2
