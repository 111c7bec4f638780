"""What a misread layout leaves behind in a finished reading puts it in doubt, in any format."""

from __future__ import annotations

import json

import pytest

from unit.transcripts.reading_support import read, said


def doubts(content: str) -> str:
    return "; ".join(read(content).report.doubts)


TALK = "ADA: Where?\nBO: At sea.\nADA: Long?\n{}\nBO: Years.\nADA: Well.\n"


@pytest.mark.parametrize("label", ["FX", "SFX", "MUSIC", "GFX", "SOT", "MX"])
def test_a_cue_of_a_script_is_no_speaker(label: str) -> None:
    assert f"“{label}" in doubts(TALK.format(f"{label}: Wind and rain."))


@pytest.mark.parametrize("cue", ["FX: WIND", "SFX: DOOR", "GRAMS: OPENING BARS", "MUSIC: fades"])
def test_a_cue_within_a_turn_of_names_on_their_own_lines_is_in_doubt(cue: str) -> None:
    content = (
        "PUGH\nGood evening. I am on a hill.\n\n{}\n\nDAVIES\nIt's always like this.\n\n"
        "PUGH\nHave you lived here long?\n\nDAVIES\nSince the war.\n"
    )
    assert f"“{cue.partition(':')[0]}:” stands in what was said" in doubts(content.format(cue))
    assert doubts(content.replace("{}\n\n", "")) == ""


@pytest.mark.parametrize("label", ["From", "Timestamp", "Sentiment", "Text", "Status", "Tags"])
def test_a_field_or_column_is_no_speaker(label: str) -> None:
    rows = [{"who": "Ada", "text": "Where?"}, {"who": label, "text": "At sea."}]
    assert f"“{label}” was read as a speaker" in doubts(json.dumps({"turns": [*rows, rows[0]]}))


@pytest.mark.parametrize("label", ["Gloss", "Translation", "IPA", "Gesture", "Übersetzung"])
def test_a_tier_of_a_research_tool_is_no_speaker(label: str) -> None:
    rows = [("Ada", 1, "Where?"), ("Bo", 3, "At sea."), (label, 3, "AT SEA"), ("Ada", 5, "Oh.")]
    text = "".join(f"{who}\t00:00:0{at}.000\t00:00:0{at + 1}.000\t{t}\n" for who, at, t in rows)
    assert label in doubts(text)


@pytest.mark.parametrize("label", ["BO", "English"])
def test_one_turn_with_the_very_times_of_another_is_in_doubt(label: str) -> None:
    rows = [("Ada", 1, "Where?"), ("Bo", 3, "At sea."), (label * 2, 3, "Sea"), ("Ada", 5, "Oh.")]
    listed = [{"speaker": who, "text": t, "start": at, "end": at + 1.5} for who, at, t in rows]
    assert "has the times of another's" in doubts(json.dumps(listed))


def test_two_who_share_a_cue_are_in_no_doubt() -> None:
    content = (
        "1\n00:00:01,000 --> 00:00:02,000\n- Ada: Where?\n- Bo: Here.\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n- Ada: Since when?\n- Bo: May.\n"
    )
    assert doubts(content) == ""


@pytest.mark.parametrize(
    "said_so",
    [
        "It leaks. | Place: kitchen.",
        r"It leaks.\NPlace: kitchen.",
        r"{\an8}It leaks.",
        "It leaks.</font>",
        '<span class="w">It leaks.',
        "It leaks.&nbsp;",
        '", "text": "It leaks.',
        "00:00:03:00 --> It leaks.",
        "It leaks.||Often.",
        r"It leaks.\par Often.",
    ],
)
def test_one_piece_of_a_layout_in_what_was_said_is_in_doubt(said_so: str) -> None:
    rows = [("Ada", "Where?"), ("Bo", said_so), ("Ada", "Since when?")]
    listed = [{"speaker": who, "text": text} for who, text in rows]
    assert "code of a layout" in doubts(json.dumps(listed))


@pytest.mark.parametrize(
    "said_so",
    [
        "It was <laugh> quite loud.",
        'He said "yes", "no", and "perhaps".',
        "Use A & B; then C | no, B.",
        "The ratio is 3 < 4 and 5 > 4.",
        "I pay $40 - or [inaudible] 50.",
        "Turn on the music: loud.",
        "It goes like this -> up.",
    ],
)
def test_what_people_say_and_transcribers_mark_is_in_no_doubt(said_so: str) -> None:
    if "|" in said_so:
        said_so = said_so.replace(" | ", ", ")
    rows = [("Ada", "Where?"), ("Bo", said_so), ("Ada", "Since when?")]
    reading = read(json.dumps([{"speaker": who, "text": text} for who, text in rows]))
    assert (said(reading), reading.report.doubts) == (rows, ())


@pytest.mark.parametrize("begins", ["{}) ", "[{}] ", "#{} ", "{}: "])
def test_turns_that_all_begin_alike_are_in_doubt(begins: str) -> None:
    rows = [("Ada", "Where?"), ("Bo", "At sea."), ("Ada", "Long?"), ("Bo", "For years.")]
    listed = [
        {"speaker": who, "text": begins.format(at) + text}
        for at, (who, text) in enumerate(rows, start=1)
    ]
    assert "begin alike" in doubts(json.dumps(listed))


def test_an_id_in_place_of_a_name_is_in_doubt() -> None:
    ids = ["5f0c9a34-1111-4222-8333-abcdefabcdef", "90210447"]
    listed = [{"speaker": ids[at % 2], "text": f"Well, number {at}."} for at in range(4)]
    assert "is an id" in doubts(json.dumps(listed))


def test_codes_are_no_words() -> None:
    listed = [{"speaker": "Ada", "text": "94 20 94 20 11"}, {"speaker": "Bo", "text": "9 420 = 8"}]
    assert "have no letters" in doubts(json.dumps(listed))


def test_a_word_in_brackets_where_brackets_name_all_speakers_is_in_doubt() -> None:
    content = (
        "[Ida] Shall we?\n[Otto] One moment.\n[Ida] Well?\n[Per] One thing: keys.\n[Otto] Yes.\n"
    )
    reading = read(content)
    assert "Per" in {who for who, _ in said(reading)} or "“Per”" in "".join(reading.report.doubts)
    assert doubts(content.replace("[Per] One", "[laughs] One")) == ""


@pytest.mark.parametrize("name", ["[{}] ", "({}): ", "{}: ", "{}"])
@pytest.mark.parametrize("attributes", ['class="speaker"', 'data-m="1200" class="w speaker"'])
def test_spans_of_a_page_that_name_speakers(name: str, attributes: str) -> None:
    content = "<article><section>" + "".join(
        f"<p><span {attributes}>{name.format(who)}</span><span>{text} </span></p>"
        for who, text in [("Ida", "Shall we?"), ("Per", "One thing: keys.")]
    )
    reading = read(content + "</section></article>")
    assert said(reading) == [("Ida", "Shall we?"), ("Per", "One thing: keys.")]
    assert reading.report.doubts == ()


def test_names_that_colleagues_and_guests_have_in_lists_of_their_own() -> None:
    content = {
        "call": {
            "transcript": [
                {"text": "So, the roof?", "start": 1.0, "end": 2.0, "personId": 101},
                {"text": "It leaks. Place: kitchen.", "start": 3.0, "end": 4.5, "personId": 102},
            ],
            "users": [{"personId": 101, "userEmail": "ada@x.example"}],
            "externalParticipants": [{"personId": 102, "name": "Bo"}],
        }
    }
    assert [who for who, _ in said(read(json.dumps(content)))] == ["ada@x.example", "Bo"]
    content["call"]["hosts"] = [{"personId": 101, "name": "Cy"}]
    assert [who for who, _ in said(read(json.dumps(content)))] == ["Speaker 101", "Speaker 102"]


# Families of files that nobody had seen

Q, A, R = "When did the ferry stop?", "In spring. Reason: ice.", "And since then?"


def turns(content: object) -> list[tuple[str, str]]:
    reading = read(content if isinstance(content, str) else json.dumps(content))
    assert reading.report.doubts == ()
    return said(reading)


@pytest.mark.parametrize("author", ["author_id", "sender_id", "user_id", "authorId"])
def test_tickets_whose_authors_are_ids_of_a_list_beside_them(author: str) -> None:
    people = {111111: "Nell Ford", 222222: "Imre"}
    document = {
        "comments": [
            {"id": 1, author: 111111, "body": Q, "plain_body": Q},
            {"id": 2, author: 222222, "body": A, "plain_body": A},
        ],
        "users": [{"id": key, "name": name} for key, name in people.items()],
    }
    assert turns(document) == [("Nell Ford", Q), ("Imre", A)]


@pytest.mark.parametrize(
    "text",
    [
        ["In spring. ", {"type": "bold", "text": "Reason"}, ": ice."],
        {"type": "text", "content": A},
        f"<p>{A}</p>",
        "<div>In spring.<br>Reason: <b>ice</b>.</div>",
    ],
    ids=["parts", "object", "page", "page with a break"],
)
def test_texts_of_chats_that_are_no_plain_strings(text: object) -> None:
    messages = [{"from": "Nell", "text": Q}, {"from": "Imre", "text": text}]
    assert turns({"messages": messages}) == [("Nell", Q), ("Imre", A)]


def test_a_text_that_only_begins_like_a_page_stays_as_it_is() -> None:
    messages = [{"from": "Nell", "text": Q}, {"from": "Imre", "text": "<p> is a tag."}]
    assert said(read(json.dumps(messages)))[1] == ("Imre", "<p> is a tag.")


def test_pairs_of_questions_and_answers() -> None:
    pairs = [{"question": Q, "answer": A}, {"question": R, "answer": "Nothing."}]
    expected = [("Question", Q), ("Answer", A), ("Question", R), ("Answer", "Nothing.")]
    assert turns({"qa": pairs}) == expected


def test_a_list_for_each_speaker_is_put_in_order_of_time() -> None:
    document = {
        "Nell": [{"start": 1.0, "text": Q}, {"start": 5.0, "text": R}],
        "Imre": [{"start": 3.0, "text": A}],
    }
    assert turns(document) == [("Nell", Q), ("Imre", A), ("Nell", R)]


def test_lists_of_other_things_than_speakers_are_not_joined() -> None:
    document = {
        "segments": [{"start": 1.0, "text": f"Nell: {Q}"}, {"start": 3.0, "text": f"Imre: {A}"}],
        "chapters": [{"start": 1.0, "text": "The ferry"}],
    }
    assert "ferry stop" in said(read(json.dumps(document)))[0][1]
    assert not {"segments", "chapters"} & {who for who, _ in said(read(json.dumps(document)))}


def test_what_stands_beside_the_list_that_was_read_is_in_doubt() -> None:
    document = {
        "source": {"author": "Imre", "body": "The ferry does not go."},
        "parts": [{"author": "Nell", "body": Q}, {"author": "Imre", "body": A}],
    }
    assert "1 texts under 'body' stand beside" in doubts(json.dumps(document))


def test_participants_of_a_call_have_their_roles_in_a_list() -> None:
    document = {
        "Participants": [
            {"ParticipantId": "a1", "ParticipantRole": "AGENT"},
            {"ParticipantId": "c1", "ParticipantRole": "CUSTOMER"},
        ],
        "Transcript": [
            {"ParticipantId": "a1", "Content": Q, "BeginOffsetMillis": 1000},
            {"ParticipantId": "c1", "Content": A, "BeginOffsetMillis": 3000},
        ],
    }
    assert turns(document) == [("AGENT", Q), ("CUSTOMER", A)]


@pytest.mark.parametrize("key", ["speaker", "speaker_name", "speakerName"])
def test_comments_of_webvtt_that_are_json(key: str) -> None:
    blocks = [
        f'NOTE {{"conf": 0.9, "{key}": "{who}"}}\n\n00:0{at}.000 --> 00:0{at}.900\n{text}'
        for at, who, text in [(1, "Nell Ford", Q), (3, "Imre", A)]
    ]
    assert turns("WEBVTT\n\n" + "\n\n".join(blocks)) == [("Nell Ford", Q), ("Imre", A)]


def test_user_names_with_an_initial_behind_the_times_of_a_chat() -> None:
    content = (
        f"[03/04/2024 9:15 AM] nell_f\n{Q}\n\n[03/04/2024 9:16 AM] imre\n{A}\n\n"
        f"[03/04/2024 9:17 AM] nell_f\n{R}\n"
    )
    assert turns(content) == [("nell_f", Q), ("imre", A), ("nell_f", R)]


@pytest.mark.parametrize("name", ["nell f", "xX.nell.Xx", "the ferrywoman"])
def test_what_stands_behind_times_on_lines_of_its_own_again_is_in_doubt(name: str) -> None:
    content = (
        f"[03/04/2024 9:15 AM] {name}\n{Q}\n\n[03/04/2024 9:16 AM] imre\n{A}\n\n"
        f"[03/04/2024 9:17 AM] {name}\n{R}\n"
    )
    reading = read(content)
    named = [who for who, _ in said(reading)] == [name, "imre", name]
    assert named or f"“{name}” stands alone behind a time" in "; ".join(reading.report.doubts)
