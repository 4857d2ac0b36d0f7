"""The served page in a real Chromium: decisions, a run that comes in, and pages that wish it ill."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import boards
import chromium
from projects import Project
from reviewing import Review, reviewing, run_beside
from simulation import hosted

BOARD = """\
id: board
shots:
  - {id: s1, prompt: a, takes: 2}
  - {id: s2, prompt: b, takes: 2}
  - {id: "m-${c}", matrix: {c: [red, blue]}, prompt: "a ${c} cup", takes: 2, pick: 1}
  - {id: card, file: art/card.png}
"""
EXPECTED = re.compile(r"Failed to load resource: (the server responded with a status of 409|net::)")
"""What a browser says of a decision that was refused, and of a server that has ended."""


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    """The page looks at its server once a second, and on a busy machine a new page takes a while."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def made(project: Project) -> Project:
    """A project whose storyboard was run."""
    boards.still(project.root / "art" / "card.png")
    project.write(BOARD)
    ran(project)
    return project


@pytest.fixture
def shown(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens served pages; none of them asks for anything but its own, or complains, but of refused decisions."""
    complaints: list[str] = []
    contexts = []

    def open_page(review: Review, *, width: int = 1280, height: int = 900, script: bool = True) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda said: complaints.append(said.text) if not EXPECTED.match(said.text) else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda sent: (
                None if sent.url.startswith((review.address, "data:")) else complaints.append(sent.url)
            ),
        )
        page.goto(review.address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def ran(project: Project, **options: Any) -> None:
    """A run from begin to end, beside the browser's own loop."""
    thread = run_beside(project, **options)
    thread.join()


def card(page: Page, shot: str, take: int) -> Locator:
    """A take on the board."""
    return page.locator(f'#board [data-key="{shot} {take}"]')


def test_pick_and_approve_are_written_and_survive_a_reload(made: Project, shown: Callable[..., Page]) -> None:
    """A click is a line of the storyboard, of a matrix too; the page shows what the file says."""
    with reviewing(made.path) as review:
        page = shown(review)
        expect(card(page, "s1", 1).locator(".mark")).to_have_text("Chosen")
        card(page, "s1", 2).get_by_label("Pick").check()
        expect(card(page, "s1", 2).locator(".mark")).to_have_text("Chosen")
        assert "{id: s1, prompt: a, takes: 2, pick: 2}" in made.path.read_text()
        card(page, "m-blue", 2).get_by_label("Pick").check()
        expect(card(page, "m-blue", 2).locator(".mark")).to_have_text("Chosen")
        expect(card(page, "m-red", 1).locator(".mark")).to_have_text("Chosen")
        assert "pick: {m-blue: 2, '*': 1}" in made.path.read_text().replace('"', "'")
        card(page, "s2", 2).get_by_role("button", name="Approve").click()
        expect(card(page, "s2", 2).locator(".mark.settled")).to_have_text("Approved")
        assert re.search(r"id: s2.*approved: 2@[0-9a-f]{8}", made.path.read_text())
        page.reload()
        expect(card(page, "s1", 2).get_by_label("Pick")).to_be_checked()
        expect(card(page, "s2", 1).get_by_label("Pick")).to_be_disabled()
        page.locator("#s2").get_by_role("button", name="Unapprove").click()
        expect(page.locator("#s2 .mark.settled")).to_have_count(0)
        assert "approved" not in made.path.read_text()


def test_decisions_can_be_taken_side_by_side_and_by_keyboard(
    made: Project, shown: Callable[..., Page]
) -> None:
    """The comparison has buttons of its own, which say what is so; p and a decide on the take with the focus."""
    with reviewing(made.path) as review:
        page = shown(review)
        page.locator("#s1 .side").click()
        second = page.locator("#compared figure").nth(1)
        second.get_by_role("button", name="Pick").press("Enter")
        expect(card(page, "s1", 2).locator(".mark")).to_have_text("Chosen")
        expect(second.get_by_role("button", name="Pick")).to_have_attribute("aria-pressed", "true")
        assert "takes: 2, pick: 2}" in made.path.read_text()
        second.get_by_role("button", name="Approve").click()
        expect(second.get_by_role("button", name="Unapprove")).to_be_visible()
        expect(page.locator("#compare")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("n")
        page.keyboard.press("n")
        expect(card(page, "s2", 1)).to_be_focused()
        page.keyboard.press("j")
        page.keyboard.press("p")
        expect(card(page, "s2", 2).locator(".mark")).to_have_text("Chosen")
        expect(card(page, "s2", 2)).to_be_focused()
        page.keyboard.press("a")
        expect(card(page, "s2", 2).locator(".mark.settled")).to_be_visible()
        page.keyboard.press("a")
        expect(card(page, "s2", 2).locator(".mark.settled")).to_have_count(0)
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_contain_text("approve the take")


def test_a_gate_is_seen_and_opened(project: Project, shown: Callable[..., Page]) -> None:
    """What waits for a decision says for which; approved, the run goes on."""
    project.write(
        """\
        id: board
        shots:
          - {id: key, prompt: a, model: z-image, approval: required, film: false}
          - {id: s1, prompt: b, references: [{shot: key}]}
        """
    )
    ran(project)
    with reviewing(project.path) as review:
        page = shown(review)
        expect(page.locator("#s1 .waits")).to_have_text("waits for approval")
        expect(page.locator("#attention li")).to_contain_text("key waits for approval")
        expect(page.locator("#contacts .blank")).to_have_text("Not made yet")
        expect(card(page, "s1", 1)).to_contain_text("waits for the approval of key")
        card(page, "key", 1).get_by_role("button", name="Approve").click()
        expect(card(page, "key", 1).locator(".mark.settled")).to_have_text("Approved")
        expect(card(page, "s1", 1)).not_to_contain_text("waits")
        expect(page.locator("#attention")).to_have_count(0)
        ran(project)
        expect(card(page, "s1", 1).locator("video")).to_have_count(1)


def test_what_cannot_be_written_is_told_at_the_take(made: Project, shown: Callable[..., Page]) -> None:
    """With the reason and the line to write; the page goes on to show what the storyboard says."""
    with reviewing(made.path) as review:
        page = shown(review)
        (made.root / "second-name.yaml").hardlink_to(made.path)
        card(page, "s1", 2).get_by_label("Pick").check()
        told = card(page, "s1", 2).get_by_role("alert")
        expect(told).to_contain_text("hard link")
        expect(told).to_contain_text("pick: 2")
        expect(card(page, "s1", 1).get_by_label("Pick")).to_be_checked()
        (made.root / "second-name.yaml").unlink()
        card(page, "s1", 2).get_by_label("Pick").check()
        expect(card(page, "s1", 2).locator(".mark")).to_have_text("Chosen")
        expect(told).to_have_count(0)


def test_new_takes_come_in_and_leave_alone_what_a_person_does(
    made: Project, shown: Callable[..., Page]
) -> None:
    """A player plays on, marks, search, details and the comparison stay, and the page doesn't move."""
    with reviewing(made.path) as review:
        page = shown(review)
        card(page, "s1", 1).locator(".more summary").click()
        card(page, "s1", 2).locator("input.compare").check()
        card(page, "s2", 1).locator("input.compare").check()
        page.locator("#find").fill("grok")
        page.evaluate(
            """() => { window.player = document.querySelector('[data-key="s2 1"] video'); player.loop = true;
                 window.paused = 0; player.onpause = player.onemptied = () => { window.paused += 1; }; }"""
        )
        page.evaluate("player.play()")
        page.locator("#m-blue, [data-key='m-blue']").first.scroll_into_view_if_needed()
        before = page.evaluate("document.querySelector('[data-key=\"m-blue\"]').getBoundingClientRect().top")
        made.write(BOARD.replace("prompt: a, takes: 2", "prompt: a, takes: 4"))
        expect(card(page, "s1", 4)).to_contain_text("Not made yet")
        ran(made)
        expect(card(page, "s1", 4).locator("video")).to_have_count(1)
        expect(card(page, "s1", 4)).to_contain_text("Done")
        assert page.evaluate(
            "player.isConnected && !player.paused && player === document.querySelector('[data-key=\"s2 1\"] video')"
        )
        assert page.evaluate("window.paused") == 0
        assert page.evaluate("document.querySelector('[data-key=\"s1 1\"] .more').open")
        expect(page.locator("#open-compare")).to_have_text("Compare 2")
        expect(page.locator("#find")).to_have_value("grok")
        expect(page.locator("#found")).to_have_text("10 takes")
        after = page.evaluate("document.querySelector('[data-key=\"m-blue\"]').getBoundingClientRect().top")
        assert after == pytest.approx(before, abs=2)
        page.locator("#open-compare").click()
        made.write(BOARD.replace("prompt: b, takes: 2", "prompt: b, takes: 3"))
        expect(card(page, "s2", 3)).to_have_count(1)
        expect(page.locator("#compared figure")).to_have_count(2)


def test_a_film_that_plays_is_renewed_when_it_stands(made: Project, shown: Callable[..., Page]) -> None:
    """It plays to where the person stops it, and then is the film as it is now, at the same place."""
    with reviewing(made.path) as review:
        page = shown(review)
        made.write(BOARD.replace("art/card.png}", "art/card.png, hold: 600}"))
        expect(page.locator(".film-time")).to_contain_text("10 min 2 s")
        page.locator(".film-play").click()
        page.evaluate(
            "window.bar = document.querySelector('.film-at'); window.stage = document.querySelector('.screen')"
        )
        made.write(BOARD.replace("art/card.png}", "art/card.png, hold: 700, title: The end}"))
        expect(page.locator('[data-key="card"] h3')).to_contain_text("The end")
        expect(page.locator(".film-play")).to_have_text("Pause")
        assert page.evaluate("bar.isConnected && stage.isConnected")
        page.locator(".film-play").click()
        place = page.locator(".film-at").input_value()
        expect(page.locator(".film-at")).to_have_attribute("max", str((2 + 700) * 24))
        assert page.locator(".film-at").input_value() == place
        expect(page.locator(".film-play")).to_be_focused()
        page.locator(".film-play").click()
        expect(page.locator(".film-play")).to_have_text("Pause")


def test_a_run_is_followed_from_nothing_to_its_clips(tmp_path: Path, shown: Callable[..., Page]) -> None:
    """The page may be opened before anything was made: takes are seen to be made, and come in by themselves."""
    with hosted(speed=2.0) as simulator:
        project = Project(tmp_path, simulator)
        project.write("id: board\nshots:\n  - {id: s1, prompt: a}\n  - {id: s2, prompt: b}\n")
        with reviewing(project.path) as review:
            page = shown(review)
            expect(card(page, "s1", 1)).to_contain_text("Not made yet")
            assert page.locator(".film-start").count() <= 1
            running = run_beside(project)
            expect(page.locator("[data-status=pending].take, [data-status=sent].take").first).to_be_visible()
            expect(page.locator("#board video")).to_have_count(2)
            running.join()
            expect(page.locator(".strip [data-kind=clip]")).to_have_count(2)
            page.locator(".film-play").click()
            expect(page.locator(".film-play")).to_have_text("Pause")


def test_a_broken_save_is_shown_over_the_page_of_before(made: Project, shown: Callable[..., Page]) -> None:
    """With file, line and column, until it is mended; and the end of the server is told too."""
    with reviewing(made.path) as review:
        page = shown(review)
        problem = page.locator("#problem")
        expect(problem).to_be_hidden()
        made.write(BOARD.replace("takes: 2", "takes: two", 1))
        expect(problem).to_contain_text(f"{made.path.as_posix()}:3:32: error:")
        expect(page.locator("#board video")).to_have_count(8)
        made.write(BOARD)
        expect(problem).to_be_hidden()
        page.route("**/state", lambda route: route.fulfill(status=200, body="no longer ours"))
        expect(problem).to_contain_text("doesn’t answer any more")
        page.unroute("**/state")
        expect(problem).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_every_screen_and_can_be_read(made: Project, shown: Callable[..., Page], width: int) -> None:
    """Nothing is wider than the screen or lies over another thing; controls have names, texts their contrast."""
    with reviewing(made.path) as review:
        review.decide("approve", {"shot": "s1", "digits": made.takes()["s1/2"]["outputs"][0]["sha256"]})
        page = shown(review, width=width)
        page.locator("#s1 .side").click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(chromium.CONTRAST) == []
        assert page.evaluate(chromium.NAMELESS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(chromium.OVERLAPS) == []


@contextmanager
def elsewhere(html: str) -> Iterator[str]:
    """A page of somebody else's, on another port of this machine."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


ATTACK = Path(__file__).with_name("hostile.html").read_text(encoding="utf-8")


def test_a_hostile_page_reads_and_decides_nothing(made: Project, browser: Browser) -> None:
    """Though it knows the address with its token, which it can't: fetch, forms, pictures, clips, scripts, frames."""
    before = made.path.read_bytes()
    sha256 = made.takes()["s1/2"]["outputs"][0]["sha256"]
    with reviewing(made.path) as review, elsewhere(ATTACK) as evil:
        text = review.get().body.decode()
        clip, picture = (
            review.address + re.findall(rf'"\./(file/[0-9a-f]+/[^"]+\.{ending})"', text)[0]
            for ending in ("mp4", "png")
        )
        assert review.get(clip.removeprefix(review.address)).status == 200
        context = browser.new_context()
        for address in (evil, evil.replace("127.0.0.1", "localhost")):
            page = context.new_page()
            page.goto(address)
            found = page.evaluate(
                "([own, clip, picture, sha]) => attack(own, clip, picture, sha)",
                [review.address, clip, picture, sha256],
            )
            harmless = {"refused", "nothing seen"}
            assert {name: said for name, said in found.items() if said not in harmless} == {}
            assert len(found) == 16
        context.close()
        assert made.path.read_bytes() == before
        assert review.decide("pick", {"shot": "s1", "digits": sha256}).status == 200  # ours is let through
        assert review.stop() == 0
    assert made.path.read_bytes() != before


def test_the_address_is_not_told_to_where_a_link_leads(made: Project, browser: Browser) -> None:
    """No Referer goes out, and what is opened from the page can't look back at it."""
    heard: list[str] = []
    with reviewing(made.path) as review, elsewhere("<title>there</title>") as other:
        page = browser.new_page()
        page.on(
            "request",
            lambda sent: heard.append(json.dumps(sent.all_headers())) if sent.url == other else None,
        )
        page.goto(review.address)
        page.evaluate(
            """url => { const link = document.createElement('a'); link.href = url;
                 document.body.append(link); link.click(); }""",
            other,
        )
        expect(page).to_have_title("there")
        assert page.evaluate("document.referrer") == ""
        assert len(heard) == 1 and "referer" not in heard[0].lower()
        page.close()


def test_it_can_be_looked_at_without_javascript(made: Project, shown: Callable[..., Page]) -> None:
    """Players and texts are there; what needs script isn't shown."""
    with reviewing(made.path) as review:
        page = shown(review, script=False)
        expect(page.locator("#board video")).to_have_count(8)
        expect(page.locator("button.approve").first).to_be_hidden()
        expect(page.locator("#problem")).to_be_hidden()
