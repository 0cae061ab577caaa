"""The web page in a real browser, over the real assistant in a simulated room.

Screenshots of every view are kept in ``.artefacts/page`` of the checkout: light, dark, phone.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect, sync_playwright

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.config.loader import load_settings
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.measuring import say
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.live.telling import Teller
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.http.service import HttpService
from edgebot.server.http.tokens import TokenFile
from edgebot.server.rim import Rim

pytestmark = pytest.mark.engines

PATIENCE_MS = 120_000
VIEWS = ("talk", "plans", "knowledge", "history", "system", "settings")
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
CHROMIUM = shutil.which("chromium")
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --use-fake-ui-for-media-stream
--use-fake-device-for-media-stream --autoplay-policy=no-user-gesture-required"""


class Stage:
    """The assistant and where its page is."""

    def __init__(self, state: Path, config: Path) -> None:
        environ = {
            "EDGEBOT_STATE_DIR": str(state),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_LLM__SEED": "1",
            "EDGEBOT_TIME_ZONE": "Europe/Berlin",
            "EDGEBOT_SERVER__PORT": "0",
        }
        config.touch()
        self.assembly = Assembly(load_settings(config, environ))
        self.room = Room(Acoustics(echo_db=None), speed=1.0)
        bus = Bus()
        teller = Teller(bus)
        self.rehearsal = Rehearsal(self.assembly, self.room, hooks=teller.hooks())
        self.house = House(self.assembly, bus, self.rehearsal.daemon, teller, config)
        self.service = HttpService(self.assembly.settings)
        self.rim = Rim(self.house, [self.service])

    @property
    def url(self) -> str:
        end = time.monotonic() + 60
        while self.service.address is None and time.monotonic() < end:
            time.sleep(0.01)
        return self.service.url


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, state_with_knowledge: Path) -> Iterator[Stage]:
    state = tmp_path_factory.mktemp("page")
    shutil.copytree(state_with_knowledge, state, dirs_exist_ok=True)
    made = Stage(state, state / "edgebot.yaml")
    with made.assembly, made.rehearsal, made.rim:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is missing; `make setup-dev` installs it")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=FLAGS.split()
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    context = browser.new_context(**LOOKS["light"])  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    opened.goto(stage.url)
    yield opened
    context.close()
    assert not [one for one in problems if "status of 4" not in one], problems


def test_a_typed_question_is_answered_and_explained(page: Page) -> None:
    page.get_by_label("Ask something").fill("why is the sky blue")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.us")).to_contain_text("light")
    page.get_by_role("button", name="Why this answer?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("the documents")
    expect(dialog.locator("li.won")).to_contain_text("knowledge")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_spoken_question_is_seen_as_it_is_heard(page: Page, stage: Stage) -> None:
    question = say(stage.assembly.tts(), "what is seven times eight")
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("Asleep")
    page.request.post(f"{stage.url}api/listen")
    expect(title).to_have_text("Listening")
    stage.room.say(question)
    expect(page.locator(".bubble.us")).to_contain_text(re.compile("56|fifty", re.I))
    expect(page.locator(".bubble.them")).to_contain_text("seven times eight")
    expect(title).to_have_text("Asleep")
    page.get_by_role("link", name="System").click()
    chart = page.locator("svg.chart")
    expect(chart.first).to_have_attribute(
        "aria-label", re.compile(r"command: .*first sound \d+ ms")
    )


def test_the_microphone_is_muted_for_real(page: Page, stage: Stage) -> None:
    mute = page.get_by_role("button", name="Mute the microphone")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    assert stage.room.microphone_muted()
    refused = page.request.post(f"{stage.url}api/listen")
    assert refused.status == 400
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "false")
    assert not stage.room.microphone_muted()


def test_push_to_talk_sends_the_browsers_microphone(page: Page) -> None:
    button = page.get_by_role("button", name="Hold to talk")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_class(re.compile(r"\blive\b"))  # the browser has opened it
    page.wait_for_timeout(1500)
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    # The fake device beeps: whatever is made of it comes back as a turn.
    expect(page.locator(".bubble.them")).to_be_visible()


def test_timers_and_lists(page: Page) -> None:
    page.get_by_role("link", name="Plans").click()
    page.get_by_label("Minutes").fill("9")
    page.get_by_label("Name", exact=True).fill("pasta")
    page.get_by_role("button", name="Start a timer").click()
    card = page.locator(".timer", has_text="pasta")
    expect(card).to_contain_text("8:5")
    card.get_by_role("button", name="Cancel pasta").click()
    expect(card).to_have_count(0)
    page.get_by_label("Name of a new list").fill("shopping")
    page.get_by_role("button", name="Start a list").click()
    add = page.get_by_label("Add to shopping")
    add.fill("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    item = page.get_by_role("checkbox", name="<img src=x onerror=alert(1)>")
    item.check()
    expect(page.locator("li.done")).to_have_count(1)
    assert page.locator("main img").count() == 0


def test_a_document_is_dropped_in_and_answers(page: Page) -> None:
    page.get_by_role("link", name="Knowledge").click()
    note = "# Boiler\n\nThe boiler is serviced by Mrs Winter from Gas and Sons.\n"
    page.locator("#pick").set_input_files(
        {"name": "boiler.md", "mimeType": "text/markdown", "buffer": note.encode()}
    )
    row = page.locator(".card.rows > div", has_text="boiler.md")
    expect(row).to_contain_text("yours")
    page.get_by_label("Look something up").fill("who services the boiler")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("section.card .rows")).to_contain_text("Mrs Winter")
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove Boiler").click()
    expect(row).to_have_count(0)


def test_a_wrong_setting_is_told_at_its_field(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Find a setting").fill("vad.pause_ms")
    field = page.get_by_label("vad.pause_ms")
    field.fill("-5")
    field.blur()
    expect(page.locator("[id='setting-vad.pause_ms-problem']")).not_to_be_empty()
    page.get_by_role("button", name="Discard").click()
    expect(page.locator(".savebar")).to_be_hidden()


def test_the_token_is_asked_for(browser: Browser, stage: Stage) -> None:
    tokens = TokenFile(stage.assembly.settings.state_dir)
    token = tokens.make()
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    try:
        opened = context.new_page()
        opened.goto(stage.url)
        opened.get_by_label("Token").fill("wrong")
        opened.get_by_role("button", name="Come in").click()
        expect(opened.get_by_role("alert")).to_contain_text("opens nothing")
        opened.get_by_label("Token").fill(token)
        opened.get_by_role("button", name="Come in").click()
        expect(opened.get_by_role("heading", name="Asleep")).to_be_visible()
        opened.reload()
        expect(opened.get_by_role("heading", name="Asleep")).to_be_visible()
    finally:
        tokens.remove()
        context.close()


@pytest.mark.parametrize("look", LOOKS)
def test_every_view_fits_and_can_be_read(
    browser: Browser, stage: Stage, root: Path, look: str
) -> None:
    folder = root / ".artefacts" / "page"
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(**LOOKS[look])  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    opened.goto(stage.url)
    opened.get_by_label("Ask something").fill("what is two plus three")
    opened.keyboard.press("Enter")
    expect(opened.locator(".bubble.us footer")).to_be_visible()
    for view in VIEWS:
        opened.locator(f"nav a[data-view={view}]").click()
        expect(opened.locator(f".view.{view}")).to_be_visible()
        with contextlib.suppress(TimeoutError):  # a view that keeps itself fresh is never idle
            opened.wait_for_load_state("networkidle", timeout=5_000)
        opened.screenshot(path=folder / f"{look}-{view}.png")
        wide: Any = opened.locator("html").evaluate("(e) => e.scrollWidth - e.clientWidth")
        assert wide <= 0, f"{view} is wider than the window"
        unnamed = opened.locator("button, input, select, a").evaluate_all(UNNAMED)
        assert not unnamed, (view, unnamed)
        dull = opened.locator("h1, p, button, label, .pill, a span").evaluate_all(DULL)
        assert not dull, (view, dull)
    context.close()


UNNAMED = """(all) => all.filter((e) => e.offsetParent && !e.closest('[aria-hidden=true]')
  && e.getAttribute('aria-hidden') !== 'true'
  && !(e.innerText?.trim() || e.getAttribute('aria-label') || e.labels?.length))
  .map((e) => e.outerHTML)"""
"""Controls that a screen reader could not name."""

DULL = """(all) => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (text) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const light = ([r, g, b]) => { const f = (v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e)
    .backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255, 255]; };
  return all.filter((e) => e.offsetParent && e.innerText.trim() && !e.disabled).filter((e) => {
    const a = light(rgba(getComputedStyle(e).color)), b = light(behind(e));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map((e) => e.className + ': ' + e.innerText.slice(0, 40)); }"""
"""Words whose contrast with what is behind them is below 4.5 : 1 (WCAG AA)."""
