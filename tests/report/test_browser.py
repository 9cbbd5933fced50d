"""The page in headless Chromium, as a reader with a mouse, with the keyboard alone, on a phone and on paper sees it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import kit as api
from kit.task.contract import Data
from tests.report import made

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser that is installed; the tests are skipped where there is none."""
    installed = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if installed is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def show(browser, given, finished):
    """Opens the page about four runs, one of them with a hostile name; gives the page and what it asked or complained
    of."""
    random = np.random.default_rng(0)
    y = np.arange(300) % 3
    train = Data(np.arange(300), random.integers(0, 256, (300, 8, 8), np.uint8), y)
    entry = given(train, train.head(50), kind="image", labels=("cat", "dog", "emu"))
    members = made.several(entry, finished, y, 3, 50, [0.93, 0.8, 0.6, 0.5])
    made.trained(members[0])
    made.sent(members[0], 0.88, 0.87)
    made.changed(members[3], "<script>document.title='broken'")
    path = api.report(entry.name).path
    contexts = []

    def opened(**options: Any) -> tuple[Any, list[str]]:
        context = browser.new_context(**options)
        contexts.append(context)
        page, heard = context.new_page(), []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(path.as_uri())
        heard[:] = [line for line in heard if line != path.as_uri() and not line.startswith("data:")]
        return page, heard

    yield opened
    for context in contexts:
        context.close()


def names(page: Any) -> list[str]:
    """The runs in the order of the table, those that are shown."""
    return [row.inner_text().split()[0] for row in page.locator(".runs tbody tr:visible th").all()]


def test_it_asks_nobody_says_nothing_and_a_hostile_name_is_text(show):
    page, heard = show()
    assert heard == []
    assert page.title().startswith("Runs of given-0")
    assert "<script>document.title='broken'" in page.locator(".runs").inner_text()


def test_columns_are_sorted_and_runs_filtered(show):
    page, _ = show()
    before = names(page)
    head = page.locator("th[data-key=cv]")
    assert head.get_attribute("aria-sort") == "none"
    page.get_by_role("button", name="CV").click()
    assert (head.get_attribute("aria-sort"), names(page)) == ("descending", before)
    page.get_by_role("button", name="CV").click()
    assert (head.get_attribute("aria-sort"), names(page)) == ("ascending", before[::-1])
    page.get_by_role("button", name="Public").click()
    assert (head.get_attribute("aria-sort"), names(page)[0]) == ("none", before[0])
    page.get_by_label("Find").fill("model1")
    assert names(page) == ["20260102-000000-model1"]
    assert page.get_by_role("status").inner_text() == "1 of 4 runs"


def test_with_the_keyboard_alone_runs_are_sorted_and_opened(show):
    page, _ = show()
    page.locator("th[data-key=run] button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("th[data-key=cv]").get_attribute("aria-sort") == "descending"
    page.get_by_role("link", name="20260101-000000-model0").focus()
    page.keyboard.press("Enter")
    details = page.locator("details.run").first
    assert details.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    picture = details.locator("img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("image => image.complete && image.naturalWidth === 8", arg=picture.element_handle())
    page.keyboard.press("Enter")
    assert details.get_attribute("open") is None


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(show, colours):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page, _ = show(color_scheme=colours)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    found = axe.Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_phone_shows_it_without_scrolling_sideways(show):
    page, _ = show(viewport={"width": 360, "height": 740})
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_script_all_runs_are_there_and_nothing_is_offered_that_does_not_work(show):
    page, _ = show(java_script_enabled=False)
    assert len(names(page)) == 4
    assert page.locator(".filter").is_hidden()
    assert page.locator("th button").count() == 0


def test_on_paper_everything_is_open(show):
    page, _ = show()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.emulate_media(media="print")
    assert page.locator(".filter").is_hidden()
    assert page.pdf()[:5] == b"%PDF-"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
