"""The review page in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import boards
import chromium
from command_line import rivya_run
from rivya_run.views.page import write_report

Opener = Callable[..., Page]


def rich(folder: Path) -> Path:
    """The page of the rich board."""
    return write_report(boards.rich_board(folder), folder)


def seen(page: Page) -> list[str]:
    """The takes that are shown, as shot/take."""
    shown: list[str] = page.eval_on_selector_all(
        "#board .take",
        "takes => takes.filter(t => !t.closest('[hidden]')).map(t => t.dataset.shot + '/' + t.dataset.take)",
    )
    return shown


def focused(page: Page) -> str:
    """The take that has the focus, as shot/take."""
    return str(
        page.evaluate("() => { const d = document.activeElement.dataset; return d.shot + '/' + d.take; }")
    )


@pytest.mark.parametrize("embed", [False, True])
def test_each_player_of_a_small_board_plays(opened: Opener, shots_folder: Path, embed: bool) -> None:
    """A board of three takes has three players; nothing is loaded before it is played, then all play to the end."""
    board = boards.small_board(shots_folder, frames=(6, 6, 6))
    page = opened(write_report(board, shots_folder, embed=embed))
    assert page.locator("video[controls][preload=none]").count() == 3
    assert page.eval_on_selector_all("video", "all => all.map(v => v.readyState)") == [0, 0, 0]
    lengths = page.evaluate(
        """async () => { const found = []; for (const v of document.querySelectorAll('video')) {
             v.muted = true; const ended = new Promise(done => v.onended = done);
             await v.play(); await ended; found.push(v.duration); } return found; }"""
    )
    assert lengths == pytest.approx([0.2, 0.2, 0.2], abs=0.01)


def test_a_page_with_embedded_clips_needs_no_file_beside_it(opened: Opener, shots_folder: Path) -> None:
    """With --embed the page can be sent alone."""
    made = write_report(boards.small_board(shots_folder, frames=(6,)), shots_folder, embed=True)
    alone = made.parent.parent / "alone" / "report.html"
    alone.parent.mkdir()
    shutil.move(made, alone)
    shutil.rmtree(shots_folder)
    page = opened(alone)
    assert page.evaluate(
        "async () => { const v = document.querySelector('video'); await v.play(); return v.duration }"
    )


def test_filters_narrow_the_board(opened: Opener, shots_folder: Path) -> None:
    """Status, scene, tag, text and 'chosen only' work alone and together, and are cleared at once."""
    page = opened(rich(shots_folder))
    assert len(seen(page)) == 9
    page.locator("input[name=status][value=failed]").check(force=True)
    assert seen(page) == ["sh030/1"]
    page.locator("input[name=status][value=unknown]").check(force=True)
    assert seen(page) == ["sh030/1", "sh040/1"]
    page.locator("#scene").select_option(label="intro")
    assert seen(page) == []
    expect(page.locator("#nothing-found")).to_be_visible()
    page.locator("#clear").click()
    assert len(seen(page)) == 9
    page.locator("#tag").select_option("night")
    assert seen(page) == ["sh010/1", "sh010/2", "sh010/3"]
    page.locator("#only-chosen").check()
    assert seen(page) == ["sh010/2"]
    page.locator("#only-chosen").uncheck()
    page.locator("#tag").select_option("")
    page.locator("#find").fill("TASK_sh020")
    assert seen(page) == ["sh020/1"]
    expect(page.locator("#found")).to_have_text("1 of 9 takes")
    page.locator("#find").press("Escape")
    assert len(seen(page)) == 9


def test_the_picker_writes_the_lines_to_paste(opened: Opener, shots_folder: Path) -> None:
    """Picking another take shows its `pick:` line; picking the old one again takes the line away."""
    page = opened(rich(shots_folder))
    expect(page.locator("#picks")).to_be_hidden()
    page.locator("#s2t3 input.pick").check()
    expect(page.locator("#picks-text")).to_have_value("    pick: 3  # sh010")
    page.locator("#s2t2 input.pick").check()
    expect(page.locator("#picks")).to_be_hidden()
    page.locator("#s2t1 input.pick").check()
    page.locator("#reset-picks").click()
    expect(page.locator("#s2t2 input.pick")).to_be_checked()


def test_the_lines_to_paste_are_right_for_what_is_made_of_one_shot(
    opened: Opener, tmp_path: Path, shots_folder: Path
) -> None:
    """One line for all that the same lines become, with the picks of the others, and the commands that write it."""
    board = tmp_path / "board.yaml"
    board.write_text(
        "id: board\nshots:\n  - {id: 'm-${n}', matrix: {n: [a, b, c]}, prompt: '${n}', takes: 2, pick: {m-c: 2}}\n"
        "  - {id: alone, prompt: x, takes: 2}\n",
        encoding="utf-8",
    )
    with ThreadPoolExecutor(1) as beside:  # the browser has a loop in this thread
        run = beside.submit(rivya_run, "run", board, "--simulate", "--progress", "none").result()
    assert run.exit_code == 0
    assert rivya_run("report", board, "--simulate").exit_code == 0
    page = opened(shots_folder.with_name("board.simulated") / "report.html")
    page.locator("#s1t2 input.pick").check()
    page.locator("#s4t2 input.pick").check()
    expect(page.locator("#picks-text")).to_have_value(
        "    pick: {m-a: 2, m-c: 2}  # m-a\n    pick: 2  # alone"
    )
    page.locator("#s2t2 input.pick").check()
    expect(page.locator("#picks-text")).to_have_value(
        "    pick: {m-a: 2, m-b: 2, m-c: 2}  # m-a, m-b\n    pick: 2  # alone"
    )
    commands = [
        "rivya-run pick board.yaml m-a 2",
        "rivya-run pick board.yaml m-b 2",
        "rivya-run pick board.yaml alone 2",
    ]
    expect(page.locator("#picks-commands")).to_have_value("\n".join(commands))
    for command in commands:
        assert rivya_run(*command.split()[1:2], board, *command.split()[3:]).exit_code == 0
    assert "pick: {m-c: 2, m-a: 2, m-b: 2}" in board.read_text("utf-8")
    page.locator("#s1 .side").click()
    page.locator("#compared figure").nth(0).get_by_role("button", name="Pick").click()
    expect(page.locator("#picks-text")).to_have_value(
        "    pick: {m-b: 2, m-c: 2}  # m-b\n    pick: 2  # alone"
    )


def test_everything_can_be_done_by_keyboard(opened: Opener, shots_folder: Path) -> None:
    """j, k, n, b move; digits and p pick; c and v compare; / searches; ? lists the keys; Escape closes."""
    page = opened(rich(shots_folder))
    press = page.keyboard.press
    press("j")
    assert focused(page) == "key010/1"
    press("n")
    assert focused(page) == "sh010/1"
    press("j")
    press("j")
    assert focused(page) == "sh010/3"
    press("p")
    expect(page.locator("#picks-text")).to_have_value("    pick: 3  # sh010")
    press("1")
    expect(page.locator("#picks-text")).to_have_value("    pick: 1  # sh010")
    press("k")
    assert focused(page) == "sh010/2"
    press("c")
    press("k")
    press("c")
    expect(page.locator("#open-compare")).to_have_text("Compare 2")
    press("v")
    expect(page.locator("#compared video")).to_have_count(2)
    press("Escape")
    expect(page.locator("#compared video")).to_have_count(0)
    press("b")
    assert focused(page) == "key010/1"
    press("?")
    expect(page.locator("#keys")).to_be_visible()
    press("Escape")
    press("/")
    page.keyboard.type("sh020")
    assert seen(page) == ["sh020/1"]


def test_space_plays_the_take_that_has_the_focus(opened: Opener, shots_folder: Path) -> None:
    """The space bar starts the clip instead of scrolling."""
    page = opened(rich(shots_folder))
    page.locator("#s2t1").focus()
    page.evaluate("document.querySelector('#s2t1 video').onplaying = () => document.title = 'playing'")
    page.keyboard.press(" ")
    expect(page).to_have_title("playing")


def test_takes_are_compared_side_by_side_and_move_together(opened: Opener, shots_folder: Path) -> None:
    """All players of a comparison start with one button and step frame by frame."""
    page = opened(rich(shots_folder))
    page.locator("#s2 .side").click()
    expect(page.locator("#compared figure")).to_have_count(3)
    page.evaluate(
        "window.played = Promise.all([...document.querySelectorAll('#compared video')]"
        ".map(v => new Promise(done => v.onended = done))); void 0"
    )
    page.locator("#play-all").click()
    page.evaluate("window.played")
    page.locator("[data-step='-1']").click()
    times = page.eval_on_selector_all("#compared video", "all => all.map(v => v.currentTime)")
    assert times == pytest.approx([0.4 - 1 / 24] * 3, abs=0.02)


def test_ids_are_copied(opened: Opener, shots_folder: Path) -> None:
    """The copy button beside the task id says that it copied it."""
    page = opened(rich(shots_folder))
    page.locator("#s3t1 .more summary").click()
    button = page.locator("#s3t1 [data-copy=task_sh020_1]")
    button.click()
    expect(button).to_have_text("Copied")


def test_a_reference_is_shown_as_a_picture_and_its_signed_address_is_not(
    opened: Opener, shots_folder: Path
) -> None:
    """References have thumbnails made from the file at hand; a URL's secret part is nowhere in the page."""
    made = rich(shots_folder)
    page = opened(made)
    page.locator("#s2t1 .more summary").click()
    picture = page.locator("#s2t1 .references img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 20
    assert "secret" not in made.read_text("utf-8")


def test_hostile_text_does_nothing(opened: Opener, shots_folder: Path) -> None:
    """Titles, prompts, ids, tags, errors and paths with markup in them are shown as text, and none acts."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"{{7*7}}</style>\u202e"
    name = "sh010"
    path = f"{name}/a'\"><b>.mp4"
    boards.clip(shots_folder / path, frames=6)
    taken = boards.take(
        prompt="<img onerror=alert(3) src=//evil.example/x.png>" + evil,
        params={evil: evil, "referenceMediaItems": [{"url": "javascript:alert(4)", "kind": evil}]},
        task_id=evil,
        client_request_id=evil,
        outputs=[boards.output(shots_folder, path)],
        error={"code": evil, "message": evil, "request_id": evil},
    )
    hostile = boards.shot(evil, [taken], title=evil, scene=evil, tags=[evil, "'"], notes=evil)
    other = boards.take(outputs=[{"path": "javascript:alert(5)", "mime_type": "video/mp4"}])
    board = boards.manifest([hostile, boards.shot("b", [other])], history=[taken | {"shot": evil}])
    board["storyboard"] |= {"title": evil, "path": evil}
    page = opened(write_report(board, shots_folder))
    page.wait_for_timeout(100)
    assert page.locator("script").count() == 1
    assert page.locator("b, img[src*=evil], [onerror]").count() == 0
    assert page.locator("h1").text_content() == evil.replace("\u202e", "\\u202e")
    page.locator("#find").fill("alert(3)")
    assert len(seen(page)) == 1
    page.locator("#find").fill("")
    page.locator("#scene").select_option(index=1)
    assert len(seen(page)) == 1
    page.evaluate("async () => { await document.querySelector('video').play() }")


def test_the_page_is_readable_without_javascript(opened: Opener, shots_folder: Path) -> None:
    """Players, prompts, details, spend and links are in the HTML itself; tools that need script are not shown."""
    page = opened(rich(shots_folder), script=False)
    assert page.locator("video[controls]").count() == 4
    expect(page.locator("#s2 .script .prompt")).to_have_text("Slow push-in on the machine")
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator("#s2t1 input.pick")).to_be_hidden()
    page.locator("#s2t1 .more summary").click()
    expect(page.locator("#s2t1 .ids code").first).to_be_visible()
    expect(page.locator("#spend")).to_contain_text("Abandoned takes")


@pytest.mark.parametrize("width", [320, 390, 768, 1360])
def test_nothing_is_wider_than_the_screen(opened: Opener, shots_folder: Path, width: int) -> None:
    """From a small phone to a desktop nothing has to be scrolled sideways."""
    page = opened(rich(shots_folder), width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name_and_every_text_has_contrast(opened: Opener, shots_folder: Path) -> None:
    """Buttons, fields, players and pictures are labelled; text stands out 4.5 to 1, in light and in dark."""
    page = opened(rich(shots_folder))
    assert page.evaluate(chromium.NAMELESS) == []
    assert page.locator("img:not([alt])").count() == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(chromium.CONTRAST) == []


def test_a_thousand_takes_can_be_searched_and_load_no_clip(opened: Opener, shots_folder: Path) -> None:
    """A large board can be scrolled to its end and filtered, and loads no clip for it (how fast: tests/bench)."""
    page = opened(write_report(boards.large_board(shots_folder, 1000), shots_folder))
    assert page.locator("video").count() == 1000
    page.keyboard.press("End")
    page.locator("#s1000").scroll_into_view_if_needed()
    page.locator("#find").fill("sh0777")
    assert seen(page) == ["sh0777/1"]
    assert page.evaluate("[...document.querySelectorAll('video')].every(v => v.readyState === 0)")
