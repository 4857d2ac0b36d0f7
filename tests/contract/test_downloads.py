"""Downloads over real connections, with every way they go wrong."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest

from contract.odd_server import Answerer, Asked, Cut, Hang, OddServer, Trickle, answer, odd_server
from rivya_run.errors import DiskFull
from rivya_run.provider.download import DownloadFailed, Fetched, NotThere, fetch
from rivya_run.provider.exchange import Incoming
from rivya_run.provider.http import Http
from rivya_run.provider.origin import Secret

KEY = "rvya_sk_test_0123456789"
SMALL = b"\x00\x00\x00\x20ftypisom" + random.Random(1).randbytes(300_000)
LARGE = b"\x00\x00\x00\x20ftypisom" + random.Random(2).randbytes(6_000_000)
MEDIA = {"content-type": "video/mp4", "etag": '"one"', "accept-ranges": "bytes"}
MANY = 1 << 40


def length(path: Path) -> int:
    """What a caller may want to know of the whole file."""
    return path.stat().st_size


def get(
    answerer: Answerer,
    part: Path,
    *,
    path: str = "/clip.mp4",
    max_bytes: int = MANY,
    seconds: float = 20.0,
    connect_timeout: float = 5.0,
    read_timeout: float = 5.0,
) -> tuple[OddServer, Fetched[int] | NotThere | DownloadFailed]:
    async def body() -> tuple[OddServer, Fetched[int] | NotThere | DownloadFailed]:
        async with (
            odd_server(answerer) as server,
            Http(
                server.origin, Secret(KEY), connect_timeout=connect_timeout, read_timeout=read_timeout
            ) as http,
        ):
            found = await fetch(
                http,
                server.origin + path,
                part,
                look=length,
                max_bytes=max_bytes,
                deadline=time.monotonic() + seconds,
                random=lambda: 0.0,
            )
            return server, found

    return anyio.run(body)


def scripted(*answers: bytes | Exception) -> Answerer:
    left = list(answers)

    async def answerer(_: Asked) -> bytes:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one

    return answerer


def ranged(content: bytes, *, cuts: int = 0, at: int = 100_000, etag: str = '"one"') -> Answerer:
    """A server that knows Range and If-Range and breaks off the first so many answers."""
    left = [None] * cuts

    async def answerer(asked: Asked) -> bytes:
        start = 0
        if asked.headers.get("if-range") == etag and "range" in asked.headers:
            start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        headers = {**MEDIA, "etag": etag}
        if start:
            headers["content-range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        whole = answer(206 if start else 200, content[start:], headers=headers)
        if left:
            left.pop()
            raise Cut(whole[:at])
        return whole

    return answerer


def noted(part: Path, validator: str = '"one"') -> None:
    """The note that an earlier run left beside a part of SMALL."""
    there = part.read_bytes()
    note = {
        "validator": validator,
        "length": len(SMALL),
        "size": len(there),
        "sha256": hashlib.sha256(there).hexdigest(),
    }
    part.with_name(part.name + ".json").write_text(json.dumps(note))


def whole(part: Path, found: object, content: bytes) -> Fetched[int]:
    assert isinstance(found, Fetched), found
    assert part.read_bytes() == content
    assert (found.bytes, found.seen, found.sha256) == (
        len(content),
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    # What came whole before stays until this one is stored, which isn't for the download to do.
    assert {path.name for path in part.parent.iterdir()} - {f"{part.name}.kept"} == {part.name}
    return found


@pytest.mark.parametrize("content", [SMALL, LARGE, b"\x89PNG"], ids=["small", "large", "tiny"])
def test_whole(tmp_path: Path, content: bytes) -> None:
    """A file of any size arrives whole, with its hash and type, and nothing is left beside it."""
    part = tmp_path / "x.part"
    server, found = get(scripted(answer(200, content, headers=MEDIA)), part)
    got = whole(part, found, content)
    assert got.mime_type == "video/mp4" and not got.resumed
    assert len(server.asked) == 1 and "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_resumed(tmp_path: Path, content: bytes) -> None:
    """A broken download goes on where it stopped, with Range and If-Range."""
    part = tmp_path / "x.part"
    server, found = get(ranged(content, cuts=2), part)
    assert whole(part, found, content).resumed
    assert len(server.asked) == 3
    assert server.asked[1].headers["if-range"] == '"one"'
    assert int(server.asked[2].headers["range"][6:-1]) > int(server.asked[1].headers["range"][6:-1]) > 50_000


def test_resumed_by_a_later_run(tmp_path: Path) -> None:
    """What an earlier run left is gone on with, hashed from its beginning."""
    part = tmp_path / "x.part"
    _, found = get(
        scripted(Cut(answer(200, SMALL, headers=MEDIA)[:90_000]), Hang()),
        part,
        read_timeout=0.05,
        seconds=0.3,
    )
    assert isinstance(found, DownloadFailed) and not found.final
    assert part.stat().st_size > 80_000 and (tmp_path / "x.part.json").exists()
    server, found = get(ranged(SMALL), part)
    assert whole(part, found, SMALL).resumed and len(server.asked) == 1


def test_complete_part_of_an_earlier_run(tmp_path: Path) -> None:
    """A part that was complete but not renamed costs one more byte."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL)
    noted(part)
    server, found = get(ranged(SMALL), part)
    whole(part, found, SMALL)
    assert server.asked[0].headers["range"] == f"bytes={len(SMALL) - 1}-"


@pytest.mark.parametrize(
    "note", ["", "{", "[]", '{"validator": 3, "length": 4}', '{"validator": "\\"one\\"", "length": 0}']
)
def test_part_without_a_good_note(tmp_path: Path, note: str) -> None:
    """A part of which nobody knows what it is starts anew."""
    part = tmp_path / "x.part"
    part.write_bytes(b"rubbish")
    if note:
        (tmp_path / "x.part.json").write_text(note)
    server, found = get(ranged(SMALL), part)
    assert not whole(part, found, SMALL).resumed
    assert "range" not in server.asked[0].headers


def test_changed_at_the_server(tmp_path: Path) -> None:
    """When the file has changed since, the server sends all of it and the part starts anew."""
    part = tmp_path / "x.part"
    part.write_bytes(b"\x00" * 1000)
    noted(part, '"zero"')
    server, found = get(ranged(SMALL), part)
    assert not whole(part, found, SMALL).resumed
    assert server.asked[0].headers["if-range"] == '"zero"'


@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": f"bytes 5-{len(SMALL) - 1}/{len(SMALL)}"},
        {"content-range": f"bytes 1000-{len(SMALL) - 1}/{len(SMALL) + 7}"},
        {"content-range": f"bytes 1000-{len(SMALL) - 1}/{len(SMALL)}", "etag": '"two"'},
        {"content-range": "nonsense"},
        {},
    ],
)
def test_wrong_part_of_the_file(tmp_path: Path, headers: dict[str, str]) -> None:
    """A 206 that doesn't go on exactly where the part ends is not used."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL[:1000])
    noted(part)
    wrong = answer(206, SMALL[1000:], headers={"content-type": "video/mp4", **headers})
    server, found = get(scripted(wrong, answer(200, SMALL, headers=MEDIA)), part)
    assert not whole(part, found, SMALL).resumed and len(server.asked) == 2


def test_range_not_satisfiable(tmp_path: Path) -> None:
    """416 starts the part anew."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL[:1000])
    noted(part)
    _, found = get(scripted(answer(416), answer(200, SMALL, headers=MEDIA)), part)
    whole(part, found, SMALL)


def test_server_without_names_for_its_bytes(tmp_path: Path) -> None:
    """Without ETag and date a broken download starts anew."""
    part = tmp_path / "x.part"
    full = answer(200, SMALL, headers={"content-type": "video/mp4"})
    server, found = get(scripted(Cut(full[:50_000]), full), part)
    assert not whole(part, found, SMALL).resumed and "range" not in server.asked[1].headers


def test_weak_etag(tmp_path: Path) -> None:
    """A weak ETag can't carry a Range: the date does, or nothing."""
    part = tmp_path / "x.part"
    date = "Mon, 11 May 2026 12:00:00 GMT"
    full = answer(200, SMALL, headers={"etag": 'W/"one"', "last-modified": date})
    server, found = get(scripted(Cut(full[:50_000]), full), part)
    whole(part, found, SMALL)
    assert server.asked[1].headers["if-range"] == date


@pytest.mark.parametrize("status", [202, 204, 304, 400, 401, 403, 404, 410, 451])
def test_not_there(tmp_path: Path, status: int) -> None:
    """A URL that gives no media, not yet or no more, is told with status and host, and no empty file stays."""
    _, found = get(scripted(answer(status)), tmp_path / "x.part")
    assert isinstance(found, NotThere) and found.reason == f"HTTP {status} from 127.0.0.1"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><p>Link expired", "text/html"),
        (b'{"error": {"code": "gone"}}', "application/json"),
        (b"<html>", "video/mp4"),
    ],
)
def test_page_instead_of_media(tmp_path: Path, body: bytes, kind: str) -> None:
    """A page with status 200 means that the media isn't there, and what was there before stays."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL[:1000])
    noted(part)
    _, found = get(scripted(answer(200, body, headers={"content-type": kind})), part)
    assert isinstance(found, NotThere)
    assert part.read_bytes() == SMALL[:1000]


@pytest.mark.parametrize(
    "trouble", [answer(500), answer(503), answer(429), answer(408), Cut(), Cut(b"HTTP/1.1 2")]
)
def test_trouble(tmp_path: Path, trouble: bytes | Exception) -> None:
    """5xx, 429, 408 and resets are tried again."""
    part = tmp_path / "x.part"
    server, found = get(scripted(trouble, trouble, answer(200, SMALL, headers=MEDIA)), part)
    whole(part, found, SMALL)
    assert len(server.asked) == 3


def test_silent_server(tmp_path: Path) -> None:
    """A server that says nothing is given up at the deadline."""
    _, found = get(scripted(Hang()), tmp_path / "x.part", read_timeout=0.05, seconds=0.2)
    assert isinstance(found, DownloadFailed) and not found.final


def test_retry_after(tmp_path: Path) -> None:
    """A server that asks to wait past the deadline is not waited for."""
    server, found = get(scripted(answer(503, headers={"retry-after": "900"})), tmp_path / "x.part")
    assert isinstance(found, DownloadFailed) and len(server.asked) == 1


def test_nothing_there(tmp_path: Path) -> None:
    """An empty answer is no file."""
    _, found = get(scripted(answer(200, b"", headers=MEDIA)), tmp_path / "x.part", seconds=0.1)
    assert isinstance(found, DownloadFailed) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_too_short(tmp_path: Path, content: bytes) -> None:
    """Less than the length that was told is never taken for the file."""
    part = tmp_path / "x.part"
    short = Cut(answer(200, content[:-10], length=len(content), headers=MEDIA))
    server, found = get(scripted(short, answer(200, content, headers=MEDIA)), part)
    whole(part, found, content)
    assert len(server.asked) == 2


@pytest.mark.parametrize("told", [True, False])
def test_too_large(tmp_path: Path, told: bool) -> None:
    """A result past the limit is refused, whether its length is told or not, and leaves nothing behind."""
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (
        len(LARGE),
        LARGE,
    )
    full = answer(200, LARGE, headers=MEDIA) if told else chunked
    _, found = get(scripted(full), tmp_path / "x.part", max_bytes=2_000_000)
    assert isinstance(found, DownloadFailed) and found.final and list(tmp_path.iterdir()) == []


def test_chunked_and_compressed(tmp_path: Path) -> None:
    """Bodies without a length, and compressed ones though none was asked for, arrive as they are meant."""
    part = tmp_path / "x.part"
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (
        len(SMALL),
        SMALL,
    )
    whole(part, get(scripted(chunked), part)[1], SMALL)
    squeezed = answer(200, gzip.compress(SMALL), headers={"content-encoding": "gzip", "etag": '"z"'})
    whole(part, get(scripted(squeezed), part)[1], SMALL)


def test_redirects(tmp_path: Path) -> None:
    """A few redirects are followed, without the key."""
    part = tmp_path / "x.part"

    async def answerer(asked: Asked) -> bytes:
        if asked.path == "/clip.mp4":
            return answer(302, headers={"location": "/two"})
        if asked.path == "/two":
            return answer(307, headers={"location": f"http://{asked.headers['host']}/three"})
        return answer(200, SMALL, headers=MEDIA)

    server, found = get(answerer, part)
    whole(part, found, SMALL)
    assert [asked.path for asked in server.asked] == ["/clip.mp4", "/two", "/three"]
    assert all("authorization" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize(
    "location", ["/clip.mp4", "http://media.example/x", "file:///etc/passwd", "http://[bad", "ftp://x/y"]
)
def test_bad_redirects(tmp_path: Path, location: str) -> None:
    """Circles and redirects to where no result may come from are final failures."""
    server, found = get(scripted(answer(302, headers={"location": location})), tmp_path / "x.part")
    assert isinstance(found, DownloadFailed) and found.final and len(server.asked) <= 6


@pytest.mark.parametrize(
    "url", ["http://media.example/x", "https://media.invalid/\ud800", "https://\ud800.invalid/"]
)
def test_unsafe_url(tmp_path: Path, url: str) -> None:
    """Plain http to another machine is never asked, nor half a character, which JSON can hold."""

    async def body() -> Fetched[int] | NotThere | DownloadFailed:
        async with Http("https://api.example", None) as http:
            part = tmp_path / "x.part"
            return await fetch(
                http,
                url,
                part,
                look=length,
                max_bytes=MANY,
                deadline=time.monotonic() + 1,
            )

    found = anyio.run(body)
    assert isinstance(found, DownloadFailed) and found.final


@pytest.mark.parametrize("host", ["b\u00fccher.invalid", "xn--bcher-kva.invalid"])
def test_names_in_other_letters_are_names(host: str) -> None:
    """However they are spelt, what is asked for is their spelling in ASCII."""
    asked: list[httpx2.Request] = []

    def note(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200)

    async def body() -> None:
        mock = httpx2.MockTransport(note)
        async with (
            Http("https://api.example", None, transport=mock) as http,
            http.open(f"https://{host}/a?b", {}) as found,
        ):
            assert isinstance(found, Incoming)

    anyio.run(body)
    assert asked[0].headers["host"] == "xn--bcher-kva.invalid"
    assert (asked[0].url.raw_host, asked[0].url.raw_path) == (b"xn--bcher-kva.invalid", b"/a?b")


@pytest.mark.parametrize("where", ["write", "fsync"])
def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A full disk is an error of its own."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "fsync":
        monkeypatch.setattr("rivya_run.provider.partial_file.os.fsync", full)
    else:
        monkeypatch.setattr("rivya_run.provider.partial_file.PartialFile._write", full)
    with pytest.raises(DiskFull) as caught:
        get(scripted(answer(200, SMALL, headers=MEDIA)), tmp_path / "x.part")
    assert caught.value.exit_code == 7


def test_cancelled(tmp_path: Path) -> None:
    """A cancelled download leaves what came for the next run."""
    part = tmp_path / "x.part"

    async def slow(_: Asked) -> bytes:
        raise Cut(answer(200, LARGE, headers=MEDIA)[:3_000_000])

    async def body() -> None:
        async with odd_server(slow) as server, Http(server.origin, None) as http:
            url, deadline = server.origin + "/x", time.monotonic() + 60
            async with anyio.create_task_group() as group:
                group.start_soon(
                    partial(
                        fetch,
                        http,
                        url,
                        part,
                        look=length,
                        max_bytes=MANY,
                        deadline=deadline,
                        random=lambda: 0.99,
                    )
                )
                with anyio.fail_after(60):
                    while not part.exists() or part.stat().st_size <= 1_000_000:  # noqa: ASYNC110
                        await anyio.sleep(0.001)
                group.cancel_scope.cancel()

    anyio.run(body)
    assert part.stat().st_size > 1_000_000
    _, found = get(ranged(LARGE), part)
    assert whole(part, found, LARGE).resumed


class Leaping:
    """A clock that leaps as far at each look."""

    def __init__(self, leap: float) -> None:
        self.now = 0.0
        self._leap = leap

    def __call__(self) -> float:
        self.now += self._leap
        return self.now


async def trickling(
    server_says: bytes, part: Path, *, clock: Leaping, then: Answerer | None = None, seconds: float
) -> tuple[OddServer, Fetched[int] | NotThere | DownloadFailed]:
    """A fetch from a server that says this, and then a byte every few milliseconds; afterwards ``then``."""
    calls = 0

    async def answerer(asked: Asked) -> bytes:
        nonlocal calls
        calls += 1
        if then is not None and calls > 1:
            return await then(asked)
        raise Trickle(server_says)

    async with odd_server(answerer) as server, Http(server.origin, None, read_timeout=5.0) as http:
        with anyio.fail_after(20):
            found = await fetch(
                http,
                server.origin + "/x",
                part,
                look=length,
                max_bytes=MANY,
                deadline=seconds,
                clock=clock,
                random=lambda: 0.0,
            )
        return server, found


def test_a_body_that_trickles_is_given_up_and_resumed(tmp_path: Path) -> None:
    """A byte now and then never meets a timeout: too little in a minute is a broken connection."""
    part = tmp_path / "x.part"
    began = answer(200, SMALL[:90_000], length=len(SMALL), headers=MEDIA)

    async def body() -> tuple[OddServer, Fetched[int] | NotThere | DownloadFailed]:
        return await trickling(began, part, clock=Leaping(20), then=ranged(SMALL), seconds=1e9)

    server, found = anyio.run(body)
    assert isinstance(found, Fetched)
    assert found.resumed
    assert len(server.asked) == 2
    assert int(server.asked[1].headers["range"][6:-1]) >= 90_000


def test_a_body_that_trickles_ends_at_the_deadline(tmp_path: Path) -> None:
    """What came stays for the next run."""
    part = tmp_path / "x.part"
    began = answer(200, SMALL[:90_000], length=len(SMALL), headers=MEDIA)

    async def body() -> tuple[OddServer, Fetched[int] | NotThere | DownloadFailed]:
        return await trickling(began, part, clock=Leaping(0.01), seconds=0.2)

    _, found = anyio.run(body)
    assert isinstance(found, DownloadFailed)
    assert not found.final
    assert part.stat().st_size >= 90_000


def test_the_head_of_an_answer_that_trickles_is_given_up(tmp_path: Path) -> None:
    """It counts as no answer. The server would trickle for ever."""

    async def answerer(_: Asked) -> bytes:
        raise Trickle(b"HTTP/1.1 200 OK\r\nx: ")

    _, found = get(answerer, tmp_path / "x.part", connect_timeout=0.05, read_timeout=0.1, seconds=0.3)
    assert isinstance(found, DownloadFailed)


@pytest.mark.parametrize(
    "power_cut",
    [
        lambda there: there[:50_000] + bytes(len(there) - 50_000),
        lambda there: bytes(len(there)),
        lambda there: there[:50_000],
        lambda there: b"",
    ],
    ids=["a blank end", "all blank", "shorter", "empty"],
)
def test_a_part_that_is_not_what_came_starts_anew(
    tmp_path: Path, power_cut: Callable[[bytes], bytes]
) -> None:
    """After a power cut its length may be there without its bytes: the note's checksum tells."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL[:90_000])
    noted(part)
    part.write_bytes(power_cut(SMALL[:90_000]))
    server, found = get(ranged(SMALL), part)
    assert not whole(part, found, SMALL).resumed
    assert "range" not in server.asked[0].headers


def test_what_came_after_the_note_is_asked_for_again(tmp_path: Path) -> None:
    """Only what the note vouches for is gone on from."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL[:90_000])
    noted(part)
    part.write_bytes(SMALL[:90_000] + bytes(5_000))
    server, found = get(ranged(SMALL), part)
    assert whole(part, found, SMALL).resumed
    assert server.asked[0].headers["range"] == "bytes=90000-"


def test_a_note_that_was_being_written_leaves_nothing(tmp_path: Path) -> None:
    """Killed then, the run leaves half a note beside; the whole file takes it away."""
    part = tmp_path / "x.part"
    (tmp_path / "x.part.json.new").write_text('{"valid')
    _, found = get(scripted(answer(200, SMALL, headers=MEDIA)), part)
    whole(part, found, SMALL)


def test_what_came_is_here_until_more_has_come(tmp_path: Path) -> None:
    """The server has other bytes now, breaks off sooner than before, and then has nothing: the longer part stays."""
    part = tmp_path / "x.part"
    part.write_bytes(SMALL[:90_000])
    noted(part, '"zero"')
    _, found = get(scripted(Cut(answer(200, SMALL, headers=MEDIA)[:50_000]), answer(410)), part)
    assert isinstance(found, NotThere)
    assert (tmp_path / "x.part.cut").read_bytes() == SMALL[:90_000]
    whole(part, get(ranged(SMALL), part)[1], SMALL)


@pytest.mark.parametrize(
    "last", [answer(416), answer(404), answer(302, headers={"location": "ftp://x/y"}), answer(500)]
)
def test_an_answer_without_media_costs_nothing_that_is_here(tmp_path: Path, last: bytes) -> None:
    """With a note of what is here, and without: a run may have been killed with all of it."""
    for name, note in (("x.part", True), ("y.part", False)):
        part = tmp_path / name
        part.write_bytes(SMALL)
        if note:
            noted(part)
        _, found = get(scripted(last), part, seconds=0.2)
        assert not isinstance(found, Fetched)
        assert part.read_bytes() == SMALL
