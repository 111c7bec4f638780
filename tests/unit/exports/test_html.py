"""The page that verifies itself: in a browser, as exported and after any change."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from exports.html_format import open_html, read_digest
from support.browser import open_browser
from support.made_up_exports import HOSTILE, STUDY, export, hostile_interview, plain_interview

INTERVIEWS: Final = (
    hostile_interview(),
    plain_interview(2, notes=4),
    plain_interview(3, notes=250),
)
NOTES: Final = sum(len(one.notes) for one in INTERVIEWS)
CONTENT: Final = export(open_html, INTERVIEWS)


class Scripts(HTMLParser):
    """Collects the data in a page, and whatever it would load."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.data: list[tuple[str, str]] = []
        self.loads: list[str] = []
        self._sha256: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._sha256 = found.get("data-sha256") if tag == "script" else None
        self.loads += [str(found[name]) for name in ("src", "href", "action") if name in found]

    def handle_data(self, data: str) -> None:
        if self._sha256:
            self.data.append((self._sha256, data))
            self._sha256 = None


def test_the_page_has_all_data_with_hashes_and_loads_nothing() -> None:
    page = CONTENT.decode()
    found = Scripts(page)
    assert found.loads == []
    assert [sha256(text.encode()).hexdigest() for _, text in found.data] == [
        one for one, _ in found.data
    ]
    study, *interviews = [json.loads(text) for _, text in found.data]
    assert study["name"] == STUDY.study.name
    assert [one["title"] for one in interviews] == [one.title for one in INTERVIEWS]
    for read, interview in zip(interviews, INTERVIEWS, strict=True):
        assert [one["text"] for one in read["segments"]] == [one.text for one in interview.segments]
    whole = sha256("".join(one for one, _ in found.data).encode()).hexdigest()
    assert read_digest(CONTENT) == read_digest(CONTENT[-20_000:]) == whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    yield page
    await context.close()
    assert faults == []
    assert [one for one in requests if not one.startswith("file:")] == []


async def show(page: Page, content: bytes, folder: Path) -> None:
    (folder / "study.html").write_bytes(content)
    await page.goto(f"file://{folder}/study.html")


async def verify(page: Page) -> tuple[str, list[str]]:
    await page.get_by_role("button", name="Verify every quote").click()
    await page.wait_for_selector("#verdict.right, #verdict.wrong")
    return await page.inner_text("#verdict"), await page.locator("#faults li").all_inner_texts()


@pytest.mark.asyncio(loop_scope="module")
async def test_it_verifies_as_exported(page: Page, tmp_path: Path) -> None:
    await show(page, CONTENT, tmp_path)
    verdict, faults = await verify(page)
    assert verdict == f"As exported: {NOTES} quotes are word for word in 3 interviews"
    assert faults == []


def change_letter(content: bytes, words: str) -> bytes:
    """Change the last letter of the last place that has some words."""
    at = content.rindex(words.encode()) + len(words.encode()) - 1
    return content[:at] + (b"b" if content[at : at + 1] != b"b" else b"c") + content[at + 1 :]


@pytest.mark.parametrize(
    "words",
    [
        "In year 2",  # of a transcript, outside of what is quoted
        "we paid 20",  # of a quote
        "They paid 10",  # of a statement
        "Speaker 1",  # of who said it
        '"standing":"proven',
        "Why did they lea",  # of the study
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_one_letter_that_was_changed_turns_it_red(
    page: Page, tmp_path: Path, words: str
) -> None:
    await show(page, change_letter(CONTENT, words), tmp_path)
    verdict, faults = await verify(page)
    assert verdict.startswith("Not as exported: ")
    assert any("it was changed after the export" in one for one in faults)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_interview_left_out_turns_it_red(page: Page, tmp_path: Path) -> None:
    text = CONTENT.decode()
    parts = re.findall(r'<script type="application/json".*?</script>\n', text, re.DOTALL)
    await show(page, text.replace(parts[2], "").encode(), tmp_path)
    _, faults = await verify(page)
    assert faults == ["the export as a whole: parts were changed, added or left out"]


@pytest.mark.asyncio(loop_scope="module")
async def test_hashes_that_were_changed_too_do_not_hide_a_false_quote(
    page: Page, tmp_path: Path
) -> None:
    interview = plain_interview(2)
    note = interview.notes[0]
    false = replace(note.evidence[0], quote="we paid 11 pounds 🙂")
    content = export(open_html, [replace(interview, notes=[replace(note, evidence=(false,))])])
    await show(page, content, tmp_path)
    _, faults = await verify(page)
    assert faults == ["Interview 2: “we paid 11 pounds 🙂” is not what segment 1 says"]
    assert read_digest(content) != read_digest(CONTENT)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_quote_is_read_in_its_interview(page: Page, tmp_path: Path) -> None:
    await show(page, CONTENT, tmp_path)
    await page.select_option("#interview", label="Interview 2")
    await expect(page.locator("#list li")).to_have_count(4)
    await page.get_by_role("button", name="“we paid 30 pounds 🙂”").click()
    assert await page.inner_text("#transcript mark") == "we paid 30 pounds 🙂"
    paragraph = page.locator("#transcript p", has=page.locator("mark"))
    assert "In year 3 we paid 30 pounds 🙂 for the flat." in await paragraph.inner_text()
    assert await page.locator("#transcript p").count() == 4


@pytest.mark.asyncio(loop_scope="module")
async def test_other_peoples_words_are_words(page: Page, tmp_path: Path) -> None:
    await show(page, CONTENT, tmp_path)
    await page.get_by_text("the first 100 notes").wait_for()
    findings = await page.locator("#list .finding").all_text_contents()
    assert findings[: len(HOSTILE)] == list(HOSTILE)
    assert await page.locator("#list img, #list a, #list script").count() == 0


@pytest.mark.asyncio(loop_scope="module")
async def test_notes_are_found_by_words_and_standing(page: Page, tmp_path: Path) -> None:
    await show(page, CONTENT, tmp_path)
    await page.get_by_text("the first 100 notes").wait_for()
    await page.get_by_role("button", name="Show more").click()
    await expect(page.locator("#list li")).to_have_count(200)
    await page.fill("#words", "IN INTERVIEW 2")
    await page.select_option("#standing", "unproven")
    await expect(page.locator("#count")).to_have_text("1 note")
    (item,) = await page.locator("#list li").all_inner_texts()
    assert item.index("“we paid 30") < item.index("model's reading, not proven: They paid 30")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.asyncio(loop_scope="module")
async def test_it_fits_the_screen(page: Page, tmp_path: Path, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await show(page, CONTENT, tmp_path)
    await page.locator("#list .quote").first.click()
    wide: Any = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
