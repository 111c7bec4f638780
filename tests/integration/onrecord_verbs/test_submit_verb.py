import asyncio
import io
import json
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import ids
from contracts.events import TranscriptSubmitted
from contracts.topics import TRANSCRIPTS_SUBMITTED
from contracts.transcript import ContentForm
from database.pool import open_database
from database.settings import PostgresSettings
from ingestion.content import resolve_content_to_text
from messaging import KafkaSettings, KafkaUnavailableError
from messaging.kafka.admin import create_topics
from onrecord import cli
from onrecord.client import Producer
from onrecord.submit.files import read_study_file
from persistence.store import NotesStore
from support.interviews import ingested

SAMPLES = Path(__file__).parents[3] / "samples"


@pytest.fixture
def kafka(
    broker: str,
    postgres_settings: PostgresSettings,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> KafkaSettings:
    """Topics of the test's own, and a database that nobody is told of."""
    prefix = f"{ids.derive_id('test', request.node.name).hex[:8]}-"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", prefix)
    settings = KafkaSettings()
    asyncio.run(create_topics(settings, [TRANSCRIPTS_SUBMITTED]))
    return settings


def submitted(kafka: KafkaSettings) -> list[TranscriptSubmitted]:
    """All events on the topic, in order of their titles."""

    async def read() -> list[TranscriptSubmitted]:
        consumer = AIOKafkaConsumer(**kafka.client_options(), auto_offset_reset="earliest")
        await consumer.start()
        try:
            topic = kafka.topic(TRANSCRIPTS_SUBMITTED.name)
            numbers = range(TRANSCRIPTS_SUBMITTED.partitions)
            consumer.assign([TopicPartition(topic, number) for number in numbers])
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(consumer.assignment())
            waiting = {place for place, end in ends.items() if end}
            found = []
            while waiting:
                for place, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
                    found += [TranscriptSubmitted.model_validate_json(one.value) for one in records]
                    if records[-1].offset + 1 >= ends[place]:
                        waiting.remove(place)
            return sorted(found, key=lambda event: event.title)
        finally:
            await consumer.stop()

    return asyncio.run(read())


def test_submits_a_folder_with_its_manifest_and_study(
    kafka: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["submit", str(SAMPLES), "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    events = submitted(kafka)
    assert [event.title.split(",")[0] for event in events] == [
        "Castellan Appliance",
        "Tregarthen Strings",
        "Two Rivers Cycle Works",
    ]
    assert {one["transcript_id"] for one in output} == {str(one.transcript_id) for one in events}
    assert {(one["format"], one["segments"]) for one in output} == {
        ("webvtt", 144),
        ("rev", 144),
        ("plain", 142),
    }
    study = read_study_file(SAMPLES / "study.yaml")
    for event in events:
        assert event.study == study
        assert len(event.speakers) == 2
        assert event.recorded_at is not None


def test_prints_title_format_segments_and_id(
    kafka: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    file, study = SAMPLES / "string-workshop.txt", SAMPLES / "study.yaml"
    people = ["--interviewer", "Tom Abiodun", "--participant", "Gwen Tregarthen"]
    assert (
        cli.run_command(["submit", str(file), "--study", str(study), "--title", "Gwen", *people])
        == 0
    )
    (event,) = submitted(kafka)
    printed = capsys.readouterr()
    assert printed.out.startswith("Gwen\n")
    assert "plain, 142 segments" in " ".join(printed.out.split())
    assert f"  id {event.transcript_id}\n" in printed.out
    assert printed.out.endswith("1 interview submitted\n")
    (line,) = printed.err.splitlines()
    assert line.endswith(": ONRECORD_URL does not say where control is")
    assert event.content == file.read_bytes().decode()


def test_a_dry_run_shows_what_was_read_and_sends_nothing(
    kafka: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["submit", str(SAMPLES), "--dry-run"]) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("3 interviews can be submitted; nothing was sent\n")
    head, *lines = printed.out.splitlines()
    assert head.split() == ["file", "format", "segments", "speakers", "named", "timed"]
    assert lines[0].split()[:3] == ["bike-shop.vtt", "webvtt", "144"]
    assert cli.run_command(["submit", str(SAMPLES), "--dry-run", "--json"]) == 0
    assert [one["segments"] for one in json.loads(capsys.readouterr().out)] == [144, 144, 142]
    assert submitted(kafka) == []


def test_a_file_on_standard_input_is_known_by_the_name_it_is_given(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (SAMPLES / "bike-shop.vtt").read_bytes()
    arguments = ["submit", "-", "--study", str(SAMPLES / "study.yaml")]
    for name in ([], ["--name", ""]):
        assert cli.run_command([*arguments, *name]) == 2
        assert "--name" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert cli.run_command([*arguments, "--name", "ana.vtt"]) == 0
    (event,) = submitted(kafka)
    assert (event.title, event.content) == ("ana", data.decode())
    assert cli.run_command(["submit", str(SAMPLES), "--name", "ana.vtt"]) == 2


def test_gzip_sends_files_compressed_that_are_the_same_interviews(
    kafka: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    file, study = str(SAMPLES / "bike-shop.vtt"), str(SAMPLES / "study.yaml")
    assert cli.run_command(["submit", file, "--study", study]) == 0
    assert cli.run_command(["submit", file, "--study", study, "--gzip"]) == 0
    capsys.readouterr()
    plain, zipped = sorted(submitted(kafka), key=lambda event: event.content_form, reverse=True)
    assert (plain.content_form, zipped.content_form) == (ContentForm.TEXT, ContentForm.GZIP)
    assert len(zipped.content) < len(plain.content)
    assert resolve_content_to_text(zipped).submitted == plain


def test_one_bad_file_keeps_the_whole_batch_back(
    kafka: KafkaSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"Ann: caf\xe9")
    study = str(SAMPLES / "study.yaml")
    good = str(SAMPLES / "bike-shop.vtt")
    assert cli.run_command(["submit", good, str(bad), "--study", study]) == 2
    assert f"{bad}: the file breaks off within a character at byte 8" in capsys.readouterr().err
    assert submitted(kafka) == []
    assert cli.run_command(["submit", good, "--study", study]) == 0
    assert len(submitted(kafka)) == 1


def test_without_a_wait_too_a_stored_revision_with_other_content_is_refused_before_it_is_sent(
    kafka: KafkaSettings,
    control: None,
    postgres_settings: PostgresSettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def store() -> None:
        async with open_database(postgres_settings) as database:
            await NotesStore(database).store_transcript(ingested())

    asyncio.run(store())
    study = tmp_path / "study.yaml"
    study.write_text("study_id: billing\nname: Billing\nthemes: [{id: price, name: Price}]\n")
    file = tmp_path / "interview-1"
    file.write_text("Ada: What do you pay?\nBo: Nothing.\n")
    verb = ["submit", str(file), "--study", str(study), "--kafka"]
    assert cli.run_command(verb) == 2
    assert "--revision 2" in capsys.readouterr().err
    assert submitted(kafka) == []
    assert cli.run_command([*verb, "--revision", "2"]) == 0
    assert [event.revision for event in submitted(kafka)] == [2]


def test_an_id_that_control_does_not_know_is_not_sent_to_kafka(
    kafka: KafkaSettings, control: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "interview-1"
    file.write_text("Ada: What do you pay?\nBo: Nothing.\n")
    assert cli.run_command(["submit", str(file), "--study", "biling", "--kafka"]) == 2
    assert "biling: no study of this id is registered" in capsys.readouterr().err
    assert submitted(kafka) == []


@pytest.mark.parametrize("control", ["", "http://127.0.0.1:1"])
def test_without_control_it_is_told_that_nobody_looked_at_revisions(
    kafka: KafkaSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    control: str,
) -> None:
    if control:
        monkeypatch.setenv("ONRECORD_URL", control)
    assert cli.run_command(["submit", str(SAMPLES), "--kafka"]) == 0
    assert "nobody looked whether these revisions are stored" in capsys.readouterr().err
    assert len(submitted(kafka)) == 3


def test_a_broker_without_the_topic_is_explained(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", "elsewhere-")
    assert cli.run_command(["submit", str(SAMPLES)]) == 3
    assert "has no topic elsewhere-transcripts-submitted" in capsys.readouterr().err


def test_the_producer_returns_the_event_it_sent(kafka: KafkaSettings) -> None:
    study = read_study_file(SAMPLES / "study.yaml")

    async def hand_in() -> TranscriptSubmitted:
        async with Producer(kafka) as producer:
            return await producer.submit(
                content="Ann: Hi.\nBob: Ho.", title="Short", study=study, source="crm-17"
            )

    event = asyncio.run(hand_in())
    assert event.transcript_id == ids.derive_transcript_id(study.study_id, "crm-17")
    assert submitted(kafka) == [event]


def test_a_producer_gives_up_on_an_absent_broker_in_time() -> None:
    async def hand_in() -> None:
        async with Producer(KafkaSettings(bootstrap_servers="127.0.0.1:1"), connect_timeout_s=2):
            pass

    with pytest.raises(KafkaUnavailableError, match="no broker answers at"):
        asyncio.run(hand_in())


def test_a_producer_that_is_not_open_says_so() -> None:
    study = read_study_file(SAMPLES / "study.yaml")
    producer = Producer(KafkaSettings())
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(producer.submit(content="Ann: Hi", title="T", study=study, source="s"))
