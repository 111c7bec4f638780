"""A real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, async_playwright

from support.missing import missing

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

FOREIGN: Final = "attacker.example"
"""A host that the browser finds on this machine: every name that ends in .example."""


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start a browser; without one the test is skipped, or fails in CI."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing(f"no browser is installed (looked for {', '.join(PROGRAMS)})")
    options = [
        "--host-resolver-rules=MAP *.example 127.0.0.1",
        # Newer browsers ask somebody before a page may reach this machine; others do not.
        "--disable-features=LocalNetworkAccessChecks",
    ]
    if os.geteuid() == 0:  # Chromium's sandbox is not for root
        options.append("--no-sandbox")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=options)
        try:
            yield browser
        finally:
            await browser.close()
