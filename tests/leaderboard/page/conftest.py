"""A real browser, and pages opened in it that may neither complain nor ask for anything."""

import os
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from drbench.publish.page.html import page_html

pages = runpy.run_path(str(Path(__file__).with_name("pages.py")))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's chromium; a missing one is an error where DRBENCH_REQUIRE_BROWSER is set."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        reason = "no chromium on PATH: apt-get install chromium"
        if os.environ.get("DRBENCH_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # No sandbox: in a container, as root, Chromium cannot make one. The pages are our own.
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def visit(browser):
    """Opens a file; at the end nothing may have gone wrong or been asked for."""
    troubles, contexts = [], []

    def opened(file, *, address="", viewport=pages["DESK"], wait="body.ready", **options) -> Page:
        context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda request: asked(request.url, file.as_uri()))
        page.goto(file.as_uri() + address)
        page.wait_for_selector(wait, state="attached")
        return page

    def asked(url: str, own: str) -> None:
        if url.partition("#")[0] != own and not url.startswith(("data:", "blob:")):
            troubles.append(f"request: {url}")

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def show(visit, tmp_path):
    """Opens a page of some content."""

    def opened(content, **options) -> Page:
        file = tmp_path / "index.html"
        file.write_text(page_html(content), encoding="utf-8")
        return visit(file, **options)

    return opened
