"""``review``: what its server gives to whom, and what it writes. The page itself is in tests/browser."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

import boards
from command_line import rivya_run
from projects import Project
from reviewing import Review, reviewing
from rivya_run.project.plan import RunOptions
from rivya_run.review.server import review_app
from rivya_run.review.shown import ShownPage
from simulation import fetch, hosted

BOARD = """\
# The board of the tests
id: board
shots:
  - id: s1
    prompt: a   # of two
    takes: 2
  - {id: s2, prompt: b, takes: 2}
  - {id: card, file: art/card.png}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose storyboard was run; nothing in it is changed."""
    with hosted() as simulator:
        project = Project(tmp_path_factory.mktemp("reviewed"), simulator)
        boards.still(project.root / "art" / "card.png")
        boards.still(project.root / "art" / "other.png")
        project.write(BOARD)
        project.run()
        yield project


@pytest.fixture(scope="module")
def review(made: Project) -> Iterator[Review]:
    """Its page, served."""
    with reviewing(made.path) as found:
        yield found


@pytest.fixture
def changing(project: Project) -> Project:
    """The same project, for tests that decide."""
    boards.still(project.root / "art" / "card.png")
    project.write(BOARD)
    project.run()
    return project


def named(review: Review, ending: str) -> list[str]:
    """The addresses of files in the page, as it writes them."""
    page = review.get().body.decode()
    return sorted(set(re.findall(rf'"\./(file/[0-9a-f]+/[^"]+\.{ending})"', page)))


def digits(project: Project, take: str) -> str:
    """The sha256 of a take's first file."""
    return str(project.takes()[take]["outputs"][0]["sha256"])


def test_the_page_and_the_files_that_it_names_are_served(made: Project, review: Review) -> None:
    """Clips and own files come as they are on disk, whole or in parts, with their types."""
    clips, pictures = named(review, "mp4"), named(review, "png")
    assert len(clips) == 4 and len(pictures) == 1
    hashes = {hashlib.sha256(review.get(clip).body).hexdigest() for clip in clips}
    assert hashes == {digits(made, take) for take in ("s1/1", "s1/2", "s2/1", "s2/2")}
    whole = review.get(clips[0])
    part = review.get(clips[0], Range="bytes=100-199")
    assert (part.status, part.body) == (206, whole.body[100:200])
    assert part.headers["content-type"] == "video/mp4"
    head = review.get(clips[0], "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(whole.body)))
    assert review.get(pictures[0]).body == (made.root / "art" / "card.png").read_bytes()
    assert review.get(method="HEAD").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "manifest.json",
        "file",
        "file/",
        "file/../manifest.json",
        "file/000000000000000000000000/clip.mp4",
        "file/%2e%2e%2f%2e%2e%2fstoryboard.yaml/x",
        "../storyboard.yaml",
        "art/other.png",
        "outputs/board/journal.jsonl",
        "/etc/passwd",
        "pick",
    ],
)
def test_nothing_else_is_served(review: Review, path: str) -> None:
    """No path of the disk means anything here, and no folder is listed."""
    found = review.get(path)
    assert found.status in (404, 405)
    assert b"shots" not in found.body and len(found.body) < 40


def test_who_does_not_know_the_token_learns_nothing(review: Review) -> None:
    """Without it, with a part of it or with another one every path is not found, also one that decides."""
    token = urlsplit(review.address).path.strip("/")
    assert len(token) >= 40
    for wrong in ("", token[:-1], token[:-1] + "~", token + "x", "é", "x" * 5000):
        for path in ("", "state", "pick", named(review, "mp4")[0]):
            found = fetch(f"{review.origin}/{wrong.encode().hex() if wrong == 'é' else wrong}/{path}")
            assert (found.status, found.body) == (404, b"not found")
    assert fetch(f"{review.origin}/{token}").status == 404


def test_answers_keep_the_address_and_the_page_to_themselves(review: Review) -> None:
    """No referrer, no cache, no frame, no other type than what is said, no other origin, no cookie."""
    for found in (review.get(), review.get("state"), review.get(named(review, "mp4")[0]), review.get("no")):
        assert found.headers["referrer-policy"] == "no-referrer"
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
        assert not {"set-cookie", "access-control-allow-origin", "server"} & found.headers.keys()
    assert b"connect-src 'self'" in review.get().body


def raw(review: Review, head: str) -> bytes:
    """What comes back for the head of a request as it stands here."""
    parts = urlsplit(review.address)
    with socket.create_connection(("127.0.0.1", parts.port or 0), timeout=30) as wire:
        wire.sendall(head.format(path=parts.path, port=parts.port).encode() + b"Connection: close\r\n\r\n")
        found = b""
        while piece := wire.recv(65536):
            found += piece
    return found


@pytest.mark.parametrize(
    "host",
    ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "[::1]:{port}", ""],
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(review: Review, host: str) -> None:
    """DNS rebinding: the browser is here, and asks for the page of another host."""
    found = raw(review, f"GET {{path}} HTTP/1.1\r\nHost: {host}\r\n")
    assert found.split(b"\r\n")[0].split()[1] in (b"403", b"400") and b"<html" not in found


def test_localhost_is_our_name_too_and_two_hosts_are_none(review: Review) -> None:
    """The page opens under either name; a request that says both is not answered."""
    port = urlsplit(review.address).port
    assert b"<html" in raw(review, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n")
    both = "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nHost: 127.0.0.1:{port}\r\n"
    assert b"<html" not in raw(review, both)
    assert fetch(f"http://127.0.0.1:{port}/").status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://{host}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Dest": "video"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "iframe"},
    ],
)
def test_another_page_that_knows_the_address_reads_and_decides_nothing(
    made: Project, review: Review, headers: dict[str, str]
) -> None:
    """Another origin, an opaque one, another port of this machine, and what is embedded elsewhere."""
    host = urlsplit(review.address).netloc
    sent = {name: value.format(host=host) for name, value in headers.items()}
    asked = {"shot": "s1", "digits": digits(made, "s1/2")}
    for found in (review.get(**sent), review.get("state", **sent), review.decide("pick", asked, **sent)):
        assert (found.status, found.body) == (403, b"this isn't for other pages")
    assert made.path.read_text() == BOARD


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"shot": "s1"}, {"Content_Type": "text/plain"}, 415),
        ({"shot": "s1"}, {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"shot": "s1"}, {}, 400),
        ({"shot": "s1", "digits": 2}, {}, 400),
        ({"shot": ["s1"], "digits": "0" * 8}, {}, 400),
        ({"shot": "s1", "digits": "../../x"}, {}, 400),
        ({"shot": "s1", "digits": "0" * 7}, {}, 400),
        ([1], {}, 400),
        (b"{", {}, 400),
        (b"[" * 4000, {}, 400),
        (b"\xff", {}, 400),
        (b" " * 5000, {}, 413),
    ],
)
def test_what_is_no_decision_is_refused(
    made: Project, review: Review, body: object, headers: dict[str, str], status: int
) -> None:
    """Another type than JSON (which other pages could send), nonsense, and what is too long."""
    found = review.decide("pick", body, **headers)
    assert found.status == status and found.json()["error"]
    assert made.path.read_text() == BOARD


def test_a_write_has_to_say_where_it_comes_from(made: Project, review: Review) -> None:
    """Browsers send an Origin with every POST; nothing that leaves it out decides."""
    body = b'{"shot": "s1", "digits": "%s"}' % digits(made, "s1/2").encode()
    found = fetch(review.address + "approve", "POST", body, {"Content-Type": "application/json"})
    assert found.status == 403 and made.path.read_text() == BOARD


def test_decisions_change_one_line_and_are_shown(changing: Project) -> None:
    """Pick, approve and unapprove come to the storyboard, the terminal, and the next page."""
    with reviewing(changing.path) as review:
        first = review.get("state").json()["revision"]
        assert review.decide("pick", {"shot": "s1", "digits": digits(changing, "s1/2")}).status == 200
        picked = BOARD.replace("    takes: 2\n", "    takes: 2\n    pick: 2\n")
        assert changing.path.read_text() == picked
        asked = {"shot": "s1", "digits": digits(changing, "s1/1")}
        approved = f"approved: 1@{digits(changing, 's1/1')[:8]}"
        assert review.decide("approve", asked).json()["written"].endswith(f"s1: {approved}")
        assert approved in changing.path.read_text()
        assert review.get("state").json()["revision"] != first
        assert f"approved {approved.split()[1]}".encode() in review.get().body
        assert review.decide("unapprove", {"shot": "s1", "digits": approved.split("@")[1]}).status == 200
        assert changing.path.read_text() == picked
        assert review.stop() == 0
    log = (changing.root / "review.log").read_text()
    assert log.count("storyboard.yaml:") == 3 and "Traceback" not in log


def test_a_page_that_is_out_of_date_decides_nothing_that_was_not_seen(changing: Project) -> None:
    """What it names is gone, or another take is approved by now: it is told so, and nothing is written."""
    with reviewing(changing.path) as review:
        one, two = digits(changing, "s1/1"), digits(changing, "s1/2")
        gone = review.decide("pick", {"shot": "s1", "digits": "0123456789"})
        assert gone.status == 409 and "no present take of s1" in gone.json()["error"]
        assert review.decide("approve", {"shot": "gone", "digits": one}).status == 409
        assert rivya_run("approve", changing.path, "s1", two).exit_code == 0
        text = changing.path.read_text()
        other = review.decide("unapprove", {"shot": "s1", "digits": one[:8]})
        assert other.status == 409 and "another take is approved by now" in other.json()["error"]
        again = review.decide("pick", {"shot": "s1", "digits": one})
        assert again.status == 409 and "counts before any pick" in again.json()["error"]
        assert changing.path.read_text() == text


def test_a_broken_save_keeps_the_page_and_tells_where(changing: Project) -> None:
    """The page is that of before, with file, line and column; what is decided meanwhile is refused."""
    with reviewing(changing.path) as review:
        before = review.get().body
        changing.path.write_text(BOARD.replace("takes: 2", "takes: two", 1), encoding="utf-8")
        state = review.until(lambda found: bool(found["problem"]))
        assert f"{changing.path.as_posix()}:6:12: error: " in state["problem"]
        assert review.get().body == before
        refused = review.decide("pick", {"shot": "s1", "digits": digits(changing, "s1/2")})
        assert refused.status == 409 and ":6:12: error: " in refused.json()["error"]
        changing.path.unlink()
        state = review.until(lambda found: "there is no storyboard" in found["problem"])
        changing.path.write_text(BOARD.replace("prompt: b", "prompt: c"), encoding="utf-8")
        review.until(lambda found: not found["problem"] and found["revision"] != state["revision"])
        assert review.stop() == 0


def test_a_storyboard_that_is_broken_from_the_start(changing: Project, tmp_path: Path) -> None:
    """What it made before is shown; of one that made nothing its problems are the answer, exit code 3."""
    changing.path.write_text(BOARD.replace("takes: 2", "takes: two", 1), encoding="utf-8")
    with reviewing(changing.path) as review:
        assert ":6:12: error: " in review.get("state").json()["problem"]
        assert len(named(review, "mp4")) == 4
    other = tmp_path / "other.yaml"
    other.write_text("shots: [{prompt: 1, take: 1}]\n")
    result = rivya_run("review", other)
    assert result.exit_code == 3 and "other.yaml:1:" in result.stderr and result.stdout == ""
    missing = rivya_run("review", tmp_path / "othr.yaml")
    assert missing.exit_code == 2 and "did you mean 'other.yaml'" in missing.stderr


def test_a_link_out_of_the_project_is_not_followed(
    changing: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A clip that was replaced by a link to something of a person's own is missing; a store inside is fine."""
    clip = changing.folder() / changing.takes()["s1/1"]["outputs"][0]["path"]
    secret = boards.clip(tmp_path_factory.mktemp("private") / "private.mp4")
    with reviewing(changing.path) as review:
        [name] = [one for one in named(review, "mp4") if one.endswith(clip.name)]
        content = clip.read_bytes()
        clip.rename(changing.root / "store.mp4")
        clip.symlink_to(changing.root / "store.mp4")
        assert review.get(name).body == content
        clip.unlink()
        clip.symlink_to(secret)
        assert review.get(name).status == 404
        clip.unlink()
        os.mkfifo(clip)
        assert review.get(name).status == 404


def test_ctrl_c_ends_it_though_somebody_is_still_reading(made: Project) -> None:
    """A player that is paused in the middle of a clip holds a connection open; the exit code is 0 all the same."""
    with reviewing(made.path) as review:
        parts = urlsplit(review.address)
        with socket.create_connection(("127.0.0.1", parts.port or 0), timeout=30) as reader:
            reader.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            reader.recv(10)
            assert review.stop() == 0
    assert "Traceback" not in (made.root / "review.log").read_text()


def test_a_port_can_be_chosen_and_a_taken_one_is_told(made: Project) -> None:
    """--port is the port of the address; one that is in use is a mistake of the command line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = rivya_run("review", made.path, "--port", str(port))
        assert refused.exit_code == 2 and f"port {port} can't be used" in refused.stderr
    with reviewing(made.path, "--port", str(port)) as review:
        assert urlsplit(review.address).port == port


def test_simulated_results_can_be_picked_and_not_approved(changing: Project) -> None:
    """No paid run knows their files."""
    rivya_run("run", changing.path, "--simulate", "--progress", "none")
    with reviewing(changing.path, "--simulate") as review:
        page = review.get().body.decode()
        assert "Simulated: nothing here was paid for" in page and 'data-what="approve"' not in page
        _, one = re.findall(r'data-shot="s1" data-digits="([0-9a-f]{64})"', page)
        assert review.decide("approve", {"shot": "s1", "digits": one}).status == 409
        assert review.decide("pick", {"shot": "s1", "digits": one}).status == 200
    assert "pick: " in changing.path.read_text()


def test_without_its_libraries_it_says_which_extra_brings_them(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the simulator's, which needs the same ones."""
    for name in [one for one in sys.modules if one.startswith("rivya_run.review")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = rivya_run("review", made.path)
    assert result.exit_code == 2
    assert "review needs uvicorn" in result.stderr and "pip install 'rivya-run[review]'" in result.stderr


def test_a_bug_is_told_in_the_terminal_and_does_not_end_it(made: Project) -> None:
    """Once, however often the page asks; the page is told that it failed."""
    told: list[str] = []
    page = ShownPage(made.path, RunOptions())

    def broken() -> None:
        raise RuntimeError("a bug")

    page.look = broken  # type: ignore[method-assign]
    config = uvicorn.Config(review_app(page, told.append), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/state"
        try:
            while not server.started:
                thread.join(0.02)
            assert [fetch(address).status, fetch(address).status] == [500, 500]
        finally:
            server.should_exit = True
            thread.join()
    assert told == ["internal error: RuntimeError: a bug"]
