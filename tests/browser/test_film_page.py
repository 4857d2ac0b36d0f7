"""The film on the page, in a real Chromium: the strip, and the film played by its clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import boards
import chromium
from rivya_run.film.clips import footage_of
from rivya_run.film.edit import Edit, edited
from rivya_run.film.script import Mix, PictureShot, Place, Script, SoundShot, Transition, exact
from rivya_run.media.types import Kind
from rivya_run.views.page import write_report

Opener = Callable[..., Page]
EVIL = "</script><img src=x onerror=alert(1)>'\"&{{7*7}}"
RATE = 24


@dataclass(frozen=True, slots=True)
class Filmed:
    """A film of every kind of piece and sound, and its page."""

    folder: Path
    manifest: dict[str, Any]
    script: Script

    @property
    def edit(self) -> Edit:
        return edited(self.script)

    def page(self, **more: Any) -> Path:
        return write_report(self.manifest, self.folder, scripts={None: self.script}, **more)


@pytest.fixture
def filmed(shots_folder: Path) -> Filmed:
    """Two clips that dissolve, one trimmed and with sound, a fade to an end card of one's own; three sounds."""

    def known(path: str, kind: Kind) -> dict[str, Any]:
        return {"id": path.split("/")[0], "footage": footage_of(shots_folder / path, kind)}

    for name, sounding in (("s1", "aac"), ("s2", None)):
        boards.clip(shots_folder / f"{name}/{name}.mp4", frames=48, rate=RATE, sound=sounding)
    boards.sound(shots_folder / "vo/vo.wav", "pcm_s16le", 0.5)
    boards.sound(shots_folder / "fx/fx.wav", "pcm_s16le", 0.25)
    boards.sound(shots_folder.parent.parent / "art/theme.wav", "pcm_s16le", 0.6)
    boards.still(shots_folder.parent.parent / "art/card.png", size=(160, 90))
    theme = footage_of(shots_folder.parent.parent / "art/theme.wav", "audio")
    card = footage_of(shots_folder.parent.parent / "art/card.png", "image")
    trim = (exact(0.5), None)
    clip = known("s1/s1.mp4", "video")
    script = Script(
        (
            PictureShot(**clip, trim=trim, volume=-6, text=EVIL),
            SoundShot(**known("vo/vo.wav", "audio"), track="voice", at=Place(exact(0.25), "s1"), text=EVIL),
            PictureShot(**known("s2/s2.mp4", "video"), transition=Transition("dissolve", exact(0.5))),
            SoundShot(**known("fx/fx.wav", "audio"), track="effects", at=Place(exact(2))),
            PictureShot(
                id="card",
                footage=card,
                still=True,
                generated=False,
                hold=exact(1),
                transition=Transition("fade", exact(0.5)),
            ),
        ),
        (
            SoundShot(
                id=EVIL, footage=theme, track="music", loop=True, until="end", generated=False, volume=-6
            ),
        ),
        mix=Mix(duck=12),
        title=EVIL,
    )
    shots = [
        boards.shot(name, [boards.take(shot=name, prompt=EVIL, outputs=[boards.output(shots_folder, path)])])
        for name, path in (("s1", "s1/s1.mp4"), ("vo", "vo/vo.wav"), ("s2", "s2/s2.mp4"), ("fx", "fx/fx.wav"))
    ]
    shots.append(boards.shot("card", [], file="../../art/card.png"))
    return Filmed(shots_folder, boards.written(shots_folder, boards.manifest(shots)), script)


WATCH = """() => {
  const [bar, film] = ['.film-at', '#film'].map((id) => document.querySelector(id)), clock = () => bar.value / 24;
  const seen = window.seen = { heard: {}, shown: {}, end: 0, loud: [] };
  document.addEventListener('play', ({ target }) => { seen.heard[target.dataset.id] ??= clock(); }, true);
  const look = () => {
    for (const node of document.querySelectorAll('.screen > *')) {
      const id = node.dataset.id;
      if (node.tagName === 'AUDIO') { if (!node.paused) seen.loud.push([id, clock(), node.volume]); }
      else if (Number(node.style.opacity) > 0) (seen.shown[id] ??= []).push(clock());
    }
    seen.end = clock();
    if (film.classList.contains('running') || !film.classList.contains('begun')) requestAnimationFrame(look);
    else window.done();
  };
  window.ended = new Promise((done) => { window.done = done; });
  requestAnimationFrame(look);
}"""
"""Writes down what is on and what is heard, by the film's own clock."""

STOOD = """() => [...document.querySelectorAll('.screen > *')].every(
  (node) => node.tagName === 'IMG' ? node.complete : node.paused && !node.seeking && node.readyState >= 2)"""


def players(page: Page) -> dict[str, list[float]]:
    """Where each player stands, and how visible it is."""
    found: dict[str, list[float]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.screen > *')].map(
             (node) => [node.dataset.id, [node.currentTime ?? 0, Number(node.style.opacity || 1)]]))"""
    )
    return found


def until(page: Page, truth: str) -> None:
    """Wait until something is true in the page, whose policy lets no waiting of Playwright's own in."""
    for _ in range(400):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {truth}")


def at(page: Page) -> float:
    """The film's clock in seconds."""
    return int(page.locator(".film-at").input_value()) / RATE


def seek(page: Page, seconds: float, length: float) -> None:
    """Click the strip there, and wait for the players."""
    box = page.locator(".strip").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * seconds / length, box["y"] + 30)
    until(page, STOOD)


@pytest.mark.parametrize("embed", [False, True])
def test_the_film_plays_from_begin_to_end(opened: Opener, filmed: Filmed, embed: bool) -> None:
    """Each picture is on in its time and each sound starts at its own, to the last frame; then all is still."""
    edit, made = filmed.edit, filmed.page(embed=embed)
    if embed:
        alone = made.parent.parent.parent / "alone.html"
        shutil.move(made, alone)
        shutil.rmtree(filmed.folder.parent)
        shutil.rmtree(filmed.folder.parent.parent / "art")
        made = alone
    page = opened(made)
    assert page.evaluate("[...document.querySelectorAll('video')].every(v => v.readyState === 0)")
    page.evaluate(WATCH)
    page.locator(".film-start").click()
    page.evaluate("window.ended")
    seen = page.evaluate("window.seen")
    assert seen["end"] == pytest.approx(float(edit.seconds))
    assert list(seen["shown"]) == ["s1", "s2", "card"]
    for piece in edit.pieces:
        times = seen["shown"][piece.shot.id]
        assert piece.begin / RATE <= min(times) <= piece.begin / RATE + 0.3
        assert piece.end / RATE - 0.3 <= max(times) <= piece.end / RATE
    assert set(seen["heard"]) == {"s1", "s2", "vo", "fx", EVIL}
    for one in edit.sounds:
        assert float(one.begin) - 0.03 <= seen["heard"][one.shot.id] <= float(one.begin) + 0.3
    assert page.evaluate("[...document.querySelectorAll('.screen > *')].every(node => node.paused ?? true)")
    expect(page.locator(".film-play")).to_have_text("Play")


def test_music_falls_while_somebody_speaks(opened: Opener, filmed: Filmed) -> None:
    """By 12 dB under the voice, and back after it."""
    page = opened(filmed.page())
    page.evaluate(WATCH)
    page.locator(".film-play").click()
    page.evaluate("window.ended")
    levels = [(when, level) for name, when, level in page.evaluate("window.seen.loud") if name == EVIL]
    under = [level for when, level in levels if 0.4 < when < 0.65]
    after = [level for when, level in levels if when > 1.3]
    assert under and max(under) == pytest.approx(10 ** (-18 / 20), rel=0.05)
    assert after and max(after) == pytest.approx(10 ** (-6 / 20), rel=0.05)


def test_a_click_on_the_strip_leads_there(opened: Opener, filmed: Filmed) -> None:
    """Pictures and sounds stand where the film has them at that time; in a dissolve both pictures are seen."""
    length = float(filmed.edit.seconds)
    page = opened(filmed.page())
    seek(page, 0.5, length)
    now = at(page)
    assert now == pytest.approx(0.5, abs=0.05)
    stand = players(page)
    assert stand["s1"] == [pytest.approx(0.5 + now, abs=0.05), 1]  # after half a second that is trimmed away
    assert stand["vo"][0] == pytest.approx(now - 0.25, abs=0.05)
    seek(page, 1.25, length)
    stand = players(page)
    assert stand["s1"][1] == 1 and stand["s2"][1] == pytest.approx((at(page) - 1) / 0.5, abs=0.1)
    assert stand["s2"][0] == pytest.approx(at(page) - 1, abs=0.05)
    assert stand[EVIL][0] == pytest.approx(at(page) % 0.6, abs=0.05)
    seek(page, length - 0.2, length)
    assert players(page)["card"][1] == 1


def test_the_film_is_moved_by_keyboard(opened: Opener, filmed: Filmed) -> None:
    """Space plays and pauses, arrows go a frame on and back, and the place is told in words."""
    page = opened(filmed.page())
    page.keyboard.press(" ")
    expect(page.locator(".film-play")).to_have_text("Pause")
    until(page, "document.querySelector('.film-at').value > 6")
    page.keyboard.press(" ")
    expect(page.locator(".film-play")).to_have_text("Play")
    bar = page.locator(".film-at")
    bar.focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert at(page) == 2 / RATE
    expect(bar).to_have_attribute("aria-valuetext", "0.1 s of 4.0 s, s1")
    page.keyboard.press(" ")
    expect(page.locator(".film-play")).to_have_text("Pause")


def test_one_thing_plays_at_a_time(opened: Opener, filmed: Filmed) -> None:
    """A take's player stops the film, and the film stops it."""
    page = opened(filmed.page())
    page.locator(".film-play").click()
    page.evaluate("document.querySelector('#s1t1 video').play()")
    expect(page.locator(".film-play")).to_have_text("Play")
    assert not page.evaluate("document.querySelector('#s1t1 video').paused")
    page.locator(".film-play").click()
    until(page, "document.querySelector('#s1t1 video').paused")
    expect(page.locator(".film-play")).to_have_text("Pause")


def test_what_was_started_last_plays(opened: Opener, filmed: Filmed) -> None:
    """A browser tells of a player later than it starts or stops it: old news stops nothing that is newer."""
    page = opened(filmed.page())
    seek(page, 0.5, float(filmed.edit.seconds))
    in_one_go = (
        "([film, take] = ['.screen video', '#s1t1 video'].map((name) => document.querySelector(name)))"
    )
    page.evaluate(f"{in_one_go}; film.play().catch(() => {{}}); film.pause(); take.play()")
    assert not page.evaluate("take.paused")
    page.evaluate("take.pause(); film.play().catch(() => {}); take.play()")
    until(page, "film.paused")
    assert not page.evaluate("take.paused")
    page.evaluate(
        "take.pause(); take.play().catch(() => {}); take.pause(); document.querySelector('.film-play').click()"
    )
    until(page, "document.querySelector('.film-at').value > 20")
    expect(page.locator(".film-play")).to_have_text("Pause")


def test_a_film_that_begins_without_a_clip_stops_a_take(opened: Opener, filmed: Filmed) -> None:
    """A picture has no player that could tell of itself."""
    *others, card = filmed.script.shots
    script = replace(filmed.script, shots=(card, *others), sounds=())
    page = opened(write_report(filmed.manifest, filmed.folder, scripts={None: script}))
    page.evaluate("(take = document.querySelector('#s1t1 video')).play()")
    assert page.evaluate("(document.querySelector('.film-play').click(), take.paused)")
    expect(page.locator(".film-play")).to_have_text("Pause")


def test_each_version_has_its_own_film(opened: Opener, filmed: Filmed) -> None:
    """A strip and a player for each; one plays at a time, and Space is for the one in view."""
    *others, card = filmed.script.shots
    assert isinstance(card, PictureShot)
    held = replace(
        filmed.script, shots=(*others, replace(card, hold=exact(600)))
    )  # longer than any machine waits
    made = write_report(filmed.manifest, filmed.folder, scripts={"long": held, "short": held})
    page = opened(made)
    assert page.locator(".film h2").all_inner_texts() == ["The film long", "The film short"]
    first, second = page.locator(".film-play").all()
    first.click()
    expect(first).to_have_text("Pause")
    second.click()
    expect(first).to_have_text("Play")
    expect(second).to_have_text("Pause")
    second.click()
    expect(second).to_have_text("Play")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.keyboard.press(" ")
    expect(first).to_have_text("Pause")
    expect(second).to_have_text("Play")


def test_a_file_that_is_gone_does_not_hold_the_film(opened: Opener, filmed: Filmed) -> None:
    """What can't be played is named where it would be, and the film goes on."""
    made = filmed.page()
    for gone in ("s1/s1.mp4", "vo/vo.wav"):
        (filmed.folder / gone).write_bytes(b"no clip at all")
    page = opened(made)
    page.locator(".film-play").click()
    expect(page.locator(".film-note")).to_have_text("s1 can’t be played here")
    until(page, "document.querySelector('.film-at').value == document.querySelector('.film-at').max")


def test_the_film_can_be_read_without_javascript(opened: Opener, filmed: Filmed) -> None:
    """The strip and the edit as a list are in the HTML itself; what needs script isn't shown."""
    page = opened(filmed.page(), script=False)
    for name in (".film-start", ".film-play", ".film-at"):
        expect(page.locator(name)).to_be_hidden()
    strip = page.locator(".strip > svg").bounding_box()
    second = page.locator(".strip svg[data-id=s2]").bounding_box()
    assert strip is not None and second is not None
    assert (second["x"] - strip["x"]) / strip["width"] == pytest.approx(0.25, abs=0.01)
    page.locator("#film .edit summary").first.click()
    rows = page.locator("#film .edit tbody tr")
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == [
        "s1",
        "s2",
        "card",
        "vo",
        EVIL,
        "fx",
        "s1",
    ]
    expect(page.locator(".film-time")).to_have_text("4 s")


def test_a_picture_of_the_contact_strip_leads_to_its_shot(opened: Opener, filmed: Filmed) -> None:
    """Every shot is there, sounds too; what is filtered away isn't."""
    page = opened(filmed.page())
    contacts = page.locator("#contacts li")
    assert contacts.all_inner_texts() == ["s1", "♪\nvo", "s2", "♪\nfx", "card"]
    contacts.last.locator("a").click()
    expect(page.locator("#s5")).to_be_in_viewport()
    expect(page.locator("#s5own img")).to_be_visible()
    page.locator("#find").fill("s2")
    assert page.locator("#contacts li:visible").all_inner_texts() == ["s2"]


@pytest.mark.parametrize(("width", "most"), [(1280, 9_000), (390, 13_000)])
@pytest.mark.parametrize("each", [1, 2])
def test_sixty_takes_are_no_endless_page(
    opened: Opener, shots_folder: Path, width: int, most: int, each: int
) -> None:
    """Pixels with every shot laid out. Set as a small board is, they were 26,000 and 33,000."""
    shots = []
    boards.clip(shots_folder / "a.mp4", frames=3, size=(160, 90))
    for number in range(60 // each):
        takes = [
            boards.take(count, shot=f"sh{number:03}", outputs=[boards.output(shots_folder, "a.mp4")])
            for count in range(1, each + 1)
        ]
        shots.append(boards.shot(f"sh{number:03}", takes, scene=f"scene {number // 12}"))
    page = opened(write_report(boards.manifest(shots), shots_folder), width=width)
    page.evaluate("document.querySelectorAll('.shot').forEach(s => s.style.contentVisibility = 'visible')")
    assert page.locator("video").count() == 60
    assert page.evaluate("document.documentElement.scrollHeight") < most
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_film_fits_every_screen_and_can_be_read(opened: Opener, filmed: Filmed, width: int) -> None:
    """Nothing is wider than the screen, every control has a name, every text its contrast."""
    page = opened(filmed.page(), width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#film .edit summary").first.click()
    assert page.evaluate(chromium.NAMELESS) == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(chromium.CONTRAST) == []


def test_nothing_written_by_people_acts_in_the_film(opened: Opener, filmed: Filmed) -> None:
    """Names and prompts with markup in them are text, in the strip, the list and while it plays."""
    page = opened(filmed.page())
    page.locator(".film-play").click()
    until(page, "document.querySelector('.film-at').value > 12")
    assert page.locator("script").count() == 1
    assert page.locator("[onerror], img[src=x]").count() == 0
    assert page.locator(".strip .music").get_attribute("data-id") == EVIL
