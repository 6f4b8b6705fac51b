"""Every page in a real browser: Debian's Chromium, headless. Without it, or without playwright, these are skipped."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from made_pages import HOSTILE, all_pages

PAGES = (
    "run",
    "run-auditor",
    "run-hostile",
    "release",
    "plan-release",
    "name",
    "compare-methods",
    "reproduce",
    "agent-auditor",
)
WIDTHS = {"phone": (390, 844), "desk": (1280, 900)}
SCHEMES = ("light", "dark")

CUT = """() => {
  const wrong = [], wide = document.documentElement.clientWidth;
  const named = (e) => `${e.tagName} ${e.getAttribute("class") || ""}: ${e.textContent.trim().slice(0, 60)}`;
  const page = document.documentElement.scrollWidth;
  if (page > wide) wrong.push(`the page is ${page} wide`);
  for (const e of document.querySelectorAll("main, main *")) {
    if (e.closest("script, style, defs, title, desc") || !e.checkVisibility()) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if (e.closest("svg") && e.tagName !== "svg") {
      if (e.tagName !== "text") continue;
      const around = e.closest("svg").getBoundingClientRect();
      const across = box.left < around.left - 1 || box.right > around.right + 1;
      if (across || box.top < around.top - 1 || box.bottom > around.bottom + 1)
        wrong.push(`cut in its drawing: ${named(e)}`);
      continue;
    }
    if (box.right > wide + 1 || box.left < -1) wrong.push(`over the edge: ${named(e)}`);
    if (e.tagName === "svg" || e.tagName === "INPUT" || e.tagName === "SELECT") continue;
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
      wrong.push(`wider than its place: ${named(e)}`);
  }
  return wrong;
}"""
"""What is wider than the place it has, or lies beyond an edge; texts of drawings included."""


TORN = """() => {
  const wrong = [];
  for (const figure of document.querySelectorAll("figure")) {
    const caption = figure.querySelector("figcaption"), style = getComputedStyle(figure);
    const named = figure.textContent.trim().slice(0, 60);
    if (!caption || getComputedStyle(caption).breakAfter !== "avoid") wrong.push(`no caption that stays: ${named}`);
    if (figure.querySelector(".chart")) {
      for (const row of figure.querySelectorAll(".row"))
        if (getComputedStyle(row).breakInside !== "avoid") wrong.push(`a row may be torn: ${named}`);
    } else if (style.breakInside !== "avoid" || figure.getBoundingClientRect().height > 950)
      wrong.push(`higher than a sheet, or may be torn: ${named}`);
  }
  return wrong;
}"""
"""Figures that a printer may tear from their captions; a chart may go on over the page, row by row."""


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra browser)")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed; `make browser` installs it where apt can")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where pages and screenshots are kept: what ``UNLEARN_AUDIT_SCREENSHOTS`` names, or a temporary folder."""
    kept = os.environ.get("UNLEARN_AUDIT_SCREENSHOTS")
    path = Path(kept) if kept else tmp_path_factory.mktemp("pages")
    path.mkdir(parents=True, exist_ok=True)
    for name, page in all_pages().items():
        (path / f"{name}.html").write_text(page, encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium, folder):
    """Open a page at a width and in a scheme; it must not ask for anything, nor complain."""
    contexts, wrong = [], []

    def call(name, width="desk", scheme="light", **options):
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = chromium.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        context.set_default_timeout(120_000)  # milliseconds, for machines that do much else
        page = context.new_page()
        address = (folder / f"{name}.html").as_uri()
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(address) else wrong.append(request.url))
        page.goto(address)
        return page

    yield call
    for context in contexts:
        context.close()
    assert wrong == []


def unfold(page):
    page.evaluate("for (const of of document.querySelectorAll('details')) of.open = true")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows_or_is_cut(opened, folder, name, width):
    page = opened(name, width)
    page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    assert page.evaluate(CUT) == []
    unfold(page)
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", [name for name in PAGES if name != "run-auditor"])
def test_axe_finds_nothing_serious(opened, folder, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    page = opened(name, "phone", scheme)
    if scheme == "dark":
        page.screenshot(path=folder / f"{name}-phone-dark.png", full_page=True)
    unfold(page)
    found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [of for of in found if of["impact"] in ("serious", "critical")]
    assert [(of["id"], [node["html"][:150] for node in of["nodes"]][:3]) for of in serious] == []


def test_dark_is_dark_on_every_page(opened):
    for name in PAGES:
        colours = {
            scheme: opened(name, scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
            for scheme in SCHEMES
        }
        levels = {scheme: sum(map(int, re.findall(r"\d+", colour)[:3])) for scheme, colour in colours.items()}
        assert levels["dark"] < 200 < 600 < levels["light"], (name, colours)


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_on_six_sheets_and_no_caption_is_torn_from_its_figure(opened, folder, name):
    page = opened(name)
    unfold(page)
    printed = page.pdf(format="A4")
    (folder / f"{name}.pdf").write_bytes(printed)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})
    assert page.evaluate(TORN) == []


def test_a_table_sorts_and_filters(opened):
    page = opened("run")
    unfold(page)
    table = page.locator("table[data-long]", has_text="How well each attack distinguishes the roles").first
    column = table.locator("thead th").all_inner_texts().index("AUC")
    values = f"[...arguments[0].tBodies[0].rows].map((row) => parseFloat(row.cells[{column}].dataset.sort))"
    read = f"(table) => {values.replace('arguments[0]', 'table')}"
    head = table.get_by_role("button", name="AUC", exact=True)
    head.click()
    falling = table.evaluate(read)
    assert falling == sorted(falling, reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1
    head.press("Enter")
    assert table.evaluate(read) == falling[::-1] == sorted(falling)
    page.get_by_label("Search rows").nth(0).wait_for()
    search = table.locator("xpath=../preceding-sibling::div[1]").get_by_label("Search rows")
    search.fill("classical-sorted mlp")
    shown = [row for row in table.locator("tbody tr").all() if row.is_visible()]
    assert 0 < len(shown) < len(falling)
    assert all("classical-sorted" in of.inner_text() and "mlp" in of.inner_text() for of in shown)


def test_the_roc_is_read_off_with_the_pointer_and_with_keys(opened):
    page = opened("run")
    drawing = page.locator("svg[data-points]")
    box = drawing.bounding_box()
    drawing.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    reading = page.locator(".reading")
    assert re.search(r"[0-9.]+ % found at [0-9.]+ % wrongly flagged", reading.inner_text())
    page.mouse.move(0, 0)
    drawing.focus()
    before = reading.inner_text()
    drawing.press("ArrowRight")
    assert reading.inner_text() != before


def test_the_keyboard_reaches_the_answers_and_folded_parts(opened):
    page = opened("run")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#verdict"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#verdict"


def test_ten_questions_are_answered_on_the_first_screen_or_one_click_away(opened):
    page = opened("run")
    height = WIDTHS["desk"][1]
    assert page.locator(".verdict h2").bounding_box()["y"] < height / 2
    links = page.locator(".answers a").all()
    assert len(links) >= 10
    for link in links:
        question, answer = link.locator("b").inner_text(), link.locator("span").inner_text()
        assert question.endswith("?")
        assert len(answer) > 3
        box = link.bounding_box()
        assert box["y"] + box["height"] <= height
        assert page.locator(link.get_attribute("href")).count() == 1


def test_the_page_is_readable_without_script(opened):
    page = opened("run", "phone", java_script_enabled=False)
    assert page.locator("h2").first.is_visible()
    details = page.locator("details", has_text="How well each attack distinguishes the roles").first
    details.locator("summary").click()
    assert details.locator("table").is_visible()
    assert page.locator(".tools").count() == 0


def test_hostile_names_are_text_and_nothing_else(opened):
    page = opened("run-hostile")
    assert page.title().startswith("Unlearning audit: x")
    assert page.locator("main script, main img, main i").count() == 0
    text = page.evaluate("document.body.textContent")
    assert HOSTILE["script"] in text
    assert HOSTILE["quotes"] in text
    assert HOSTILE["long"] in text
    assert "\u202e" not in text
    labels = page.evaluate(
        "[...document.querySelectorAll('.findings td')].map((td) => getComputedStyle(td, '::before').content)"
    )
    assert all(label.startswith('"') or label == "none" for label in labels)


def test_pages_are_small(folder):
    sizes = {name: (folder / f"{name}.html").stat().st_size for name in PAGES}
    assert max(sizes.values()) < 1_000_000, json.dumps(sizes)
