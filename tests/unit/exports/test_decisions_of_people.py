"""What people decided about notes is in every format, apart from what the model wrote."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Final
from xml.etree import ElementTree as ET

import docx
import openpyxl

from contracts.notes import Standing
from exports.content import ExportedInterview
from exports.csv_format import open_csv
from exports.docx_format import open_docx
from exports.html_format import open_html
from exports.json_format import open_json_lines
from exports.markdown_format import escape_markdown, open_markdown
from exports.qdpx_format import open_qdpx
from exports.xlsx_format import open_xlsx
from read_model.notes import NoteMark, NoteMarks
from support.made_up_exports import export, made_up_note, made_up_quote, made_up_segment

AT: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)
EVIL: Final = '=HYPERLINK("http://example.org")'
SAID: Final = made_up_segment(1, "We would not stay here.")
EDITED: Final = made_up_note(
    "They would not stay.",
    made_up_quote(SAID, "We would not stay here."),
    themes=("same",),
    decided=NoteMarks(
        version=4,
        status="held",
        accepted=NoteMark(2, "Ana", AT, "heard it"),
        edited=NoteMark(1, "Bea", AT, ""),
        refiled=NoteMark(3, "Cem", AT, ""),
        comments=(NoteMark(4, EVIL, AT, "</script> ask *again*"),),
        model_statement="They are unhappy.",
        model_standing="unproven",
        model_themes=("price",),
        model_questions=(),
    ),
)
DOUBTED: Final = made_up_note(
    "They are cautious.",
    made_up_quote(SAID, "not stay"),
    statement=None,
    model_reading="They are cautious.",
    standing=Standing.UNPROVEN,
    decided=NoteMarks(version=1, status="held", edited=NoteMark(1, "Bea", AT, "")),
)
INTERVIEW: Final = ExportedInterview(
    EDITED.transcript_id, 1, "Interview 1", (EDITED, DOUBTED), (SAID,)
)
LINES: Final = (
    "accepted by Ana, 2026-11-02: heard it",
    "statement edited by Bea, 2026-11-02",
    "re-filed by Cem, 2026-11-02",
    "the model's statement (unproven): They are unhappy.",
    f"comment by {EVIL}, 2026-11-02: </script> ask *again*",
)
PERSON: Final = "statement of Bea, not proven: They are cautious."


def test_tables_have_columns_for_people_and_for_the_model() -> None:
    content = export(open_csv, [INTERVIEW]).decode("utf-8-sig")
    first, second = csv.DictReader(StringIO(content, newline=""))
    assert (first["statement"], first["model_statement"]) == (
        "They would not stay.",
        "They are unhappy.",
    )
    assert (first["accepted_by"], first["edited_by"], first["refiled_by"]) == ("Ana", "Bea", "Cem")
    assert (first["themes"], first["model_themes"]) == ("Trust", "Price")
    assert (first["model_standing"], first["hidden_by"]) == ("unproven", "")
    assert first["comments"] == f"'{EVIL}: </script> ask *again*"
    assert first["decided_at"] == AT.isoformat()
    assert (second["edited_by"], second["accepted_by"]) == ("Bea", "")
    sheet = openpyxl.load_workbook(BytesIO(export(open_xlsx, [INTERVIEW]))).active
    assert sheet is not None
    head, row, *_ = sheet.iter_rows()
    cells = {str(name.value): cell for name, cell in zip(head, row, strict=True)}
    assert cells["comments"].data_type in {"s", "inlineStr"}
    assert cells["edited_by"].value == "Bea"


def test_documents_have_them_below_the_note() -> None:
    page = export(open_markdown, [INTERVIEW]).decode()
    assert all(escape_markdown(line) in page for line in (*LINES, PERSON))
    document = docx.Document(BytesIO(export(open_docx, [INTERVIEW])))
    texts = [one.text for one in document.paragraphs]
    assert {*LINES, PERSON} <= {*texts}


def test_json_has_them_apart() -> None:
    _, line = export(open_json_lines, [INTERVIEW]).decode().splitlines()
    note, _ = json.loads(line)["notes"]
    assert note["statement"] == "They would not stay."
    assert note["decided"]["model_statement"] == "They are unhappy."
    assert note["decided"]["edited"] == {
        "number": 1,
        "by": "Bea",
        "at": "2026-11-02T09:00:00Z",
        "remark": "",
        "is_withheld": False,
    }


def test_memos_of_a_project_have_them() -> None:
    with zipfile.ZipFile(BytesIO(export(open_qdpx, [INTERVIEW]))) as project:
        root = ET.fromstring(project.read("project.qde"))
    memos = [
        one.text or "" for one in root.iter() if one.tag.endswith("PlainTextContent") and one.text
    ]
    assert any(all(line in memo for line in LINES) for memo in memos)
    assert any(PERSON in memo for memo in memos)


def test_the_page_has_them_as_text_in_its_data() -> None:
    page = export(open_html, [INTERVIEW]).decode()
    (data,) = [
        part.split("</script>")[0].partition(">")[2]
        for part in page.split('data-kind="interview"')[1:]
    ]
    first, second = json.loads(data)["notes"]
    assert tuple(first["decided"]) == LINES
    assert second["reading_label"] == "statement of Bea, not proven"
