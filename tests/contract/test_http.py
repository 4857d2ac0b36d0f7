"""Connections to the API, for real: the key's confinement, the gate, uploads, and answers that never end."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import time
import traceback
import tracemalloc
import urllib.parse
from pathlib import Path

import anyio
import pytest

from contract.odd_server import Answerer, Asked, Cut, Hang, OddServer, answer, end, odd_server
from rivya_run.errors import KeyRefused
from rivya_run.journal.attempt import Task
from rivya_run.provider.download import Fetched, fetch
from rivya_run.provider.exchange import ApiRequest, ApiResponse, Form
from rivya_run.provider.faults import TransportError
from rivya_run.provider.http import Http
from rivya_run.provider.interface import Created, CreateResult, MayHaveArrived, Unanswered, UploadedFile
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.rivya.retry import FailureKind

KEY = "rvya_sk_test_0123456789"
TASK = b'{"id": "task_1", "status": "queued", "error": null}'
FAR = float("inf")


def send(
    answerer: Answerer, request: ApiRequest, *, times: int = 1, read_timeout: float = 5.0
) -> tuple[OddServer, list[ApiResponse | TransportError]]:
    async def body() -> tuple[OddServer, list[ApiResponse | TransportError]]:
        network = Network.of_environment()
        async with (
            odd_server(answerer) as server,
            Http(server.origin, Secret(KEY), read_timeout=read_timeout, network=network) as http,
        ):
            return server, [await http.send(request, deadline=FAR) for _ in range(times)]

    return anyio.run(body)


def always(*answers: bytes | Exception) -> Answerer:
    left = list(answers)

    async def answerer(_: Asked) -> bytes:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one

    return answerer


GET = ApiRequest("GET", "/api/v1/credits")


def test_reply() -> None:
    """A reply holds status, JSON, request id and hint; the connection is kept for the next."""
    headers = {"x-request-id": "req_9", "retry-after": "3"}
    server, found = send(always(answer(200, b'{"current_credits": 5}', headers=headers)), GET, times=3)
    reply = found[0]
    assert isinstance(reply, ApiResponse)
    assert (reply.status, reply.json) == (200, {"current_credits": 5})
    assert (reply.request_id, reply.retry_after) == ("req_9", 3)
    assert server.connections == 1 and len(server.asked) == 3
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b'{"id": "t', b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000, b'{"a": 1} trailing']
)
def test_not_json(body: bytes) -> None:
    """FailureKind is no JSON is a reply without it, also when it tries to be nasty."""
    _, (reply,) = send(always(answer(200, body)), GET)
    assert isinstance(reply, ApiResponse) and reply.json is None


def test_an_encoded_answer_with_a_header_of_odd_letters_is_read() -> None:
    """The task that a create made must not be lost for the sake of a header."""
    body = gzip.compress(b'{"id": "task_1"}')
    headers = {"X-Region": "M\u00fcnchen", "Content-Encoding": "gzip"}
    raw = answer(200, body, headers=headers).replace("\u00fc".encode(), b"\xfc")
    _, (reply,) = send(always(raw), GET)
    assert isinstance(reply, ApiResponse)
    assert reply.json == {"id": "task_1"}


@pytest.mark.parametrize(
    "cut",
    [
        Cut(),
        Cut(b"HTTP/1.1 200 OK\r\ncontent-le"),
        Cut(answer(200, b'{"id"', length=500)),
        Cut(b"SSH-2.0-OpenSSH\r\n\r\n"),
    ],
)
def test_broken(cut: Cut) -> None:
    """Resets, half answers and other protocols are faults that may follow an arrival."""
    _, (fault,) = send(always(cut), GET)
    assert isinstance(fault, TransportError) and fault.kind is FailureKind.RESET


def test_not_there() -> None:
    """A closed port is a fault that can't follow an arrival."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    async def body() -> ApiResponse | TransportError:
        async with Http(f"http://127.0.0.1:{port}", Secret(KEY)) as http:
            return await http.send(GET, deadline=FAR)

    found = anyio.run(body)
    assert isinstance(found, TransportError) and found.kind is FailureKind.NOT_CONNECTED


def test_silence() -> None:
    """No answer in time is a read timeout."""
    _, (fault,) = send(always(Hang()), GET, read_timeout=0.05)
    assert isinstance(fault, TransportError) and fault.kind is FailureKind.READ_TIMEOUT


def test_answer_that_trickles() -> None:
    """An answer that comes a byte at a time for ever is ended as a whole."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def body() -> ApiResponse | TransportError:
        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            async with Http(origin, None, connect_timeout=1.0, read_timeout=0.05) as http:
                with anyio.fail_after(60):
                    return await http.send(GET, deadline=FAR)
        finally:
            await end(server)

    found = anyio.run(body)
    assert isinstance(found, TransportError) and found.kind is FailureKind.READ_TIMEOUT


def test_connection_after_a_timeout() -> None:
    """A request that timed out or was cancelled leaves nothing behind that the next one could trip over."""

    async def body() -> list[ApiResponse | TransportError]:
        answers = always(Hang(), Hang(), answer(200, TASK))
        async with (
            odd_server(answers) as server,
            Http(server.origin, Secret(KEY), read_timeout=0.05, connections=1) as http,
        ):
            found = [await http.send(GET, deadline=FAR)]
            with anyio.move_on_after(0.02) as scope:
                await http.send(GET, deadline=FAR)
            assert scope.cancelled_caught
            return [*found, await http.send(GET, deadline=FAR)]

    first, last = anyio.run(body)
    assert isinstance(first, TransportError) and isinstance(last, ApiResponse)


def test_gate() -> None:
    """However many requests wait, no more than eight connections are opened."""
    most = 0
    now = 0

    async def slow(_: Asked) -> bytes:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        return answer(200, TASK)

    async def body() -> int:
        async with odd_server(slow) as server, Http(server.origin, Secret(KEY)) as http:
            async with anyio.create_task_group() as group:
                for _ in range(100):
                    group.start_soon(lambda: http.send(GET, deadline=FAR))
            assert len(server.asked) == 100
            return server.connections

    assert anyio.run(body) <= 8
    assert most <= 8


def test_cookies_and_redirects() -> None:
    """Cookies are not kept, and no redirect is followed."""
    headers = {"set-cookie": "session=1; Path=/", "location": "/elsewhere"}
    server, found = send(always(answer(302, headers=headers)), GET, times=2)
    assert all(isinstance(reply, ApiResponse) and reply.status == 302 for reply in found)
    assert [asked.path for asked in server.asked] == [GET.path] * 2
    assert all("cookie" not in asked.headers for asked in server.asked)


def test_key_is_not_repeated() -> None:
    """A server that repeats the key in its answer doesn't get it into ours."""
    body = f'{{"error": {{"code": "bad", "message": "bad key {KEY}"}}}}'.encode()
    _, (reply,) = send(always(answer(400, body, headers={"x-request-id": KEY})), GET)
    assert isinstance(reply, ApiResponse) and KEY not in repr(reply)


ESCAPED = "\\u0072" + KEY[1:]


@pytest.mark.parametrize(
    "spelt", [ESCAPED, "".join(f"\\u{ord(c):04X}" for c in KEY), "%72" + KEY[1:], KEY.upper()]
)
@pytest.mark.parametrize(
    "inside", ['{"error": {"code": "bad", "message": "bad key %s"}}', '{"%s": [["%s"]]}', "no JSON: %s"]
)
def test_key_is_not_repeated_in_other_letters(spelt: str, inside: str) -> None:
    """Escaped as JSON or a URL allows, in a value, in the name of a member, in text: it is hidden everywhere."""
    body = inside.replace("%s", spelt).encode()
    _, (reply,) = send(always(answer(400, body, headers={f"x-{KEY}": spelt})), GET)
    assert isinstance(reply, ApiResponse)
    told = repr(reply) + json.dumps(reply.json) + urllib.parse.unquote(reply.text) + reply.text
    for form in (KEY, spelt, KEY.upper()):
        assert form.lower() not in told.lower()


def test_key_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    """With every library at debug level the key is in no log line, repr or traceback."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    async def answerer(asked: Asked) -> bytes:
        if asked.path.endswith("credits"):
            return answer(401, b'{"error": {"code": "api_key_invalid", "message": "no"}}')
        raise Cut()

    async def body() -> None:
        async with odd_server(answerer) as server, Http(server.origin, Secret(KEY)) as http:
            client = RivyaClient(http, clock=time.monotonic, random=lambda: 0.0)
            deadline = time.monotonic() + 0.05
            shown.append(repr(await client.create_once(b"{}", "k")))
            try:
                await client.credits(deadline=deadline + 5)
            except KeyRefused as error:
                told = traceback.TracebackException.from_exception(error, capture_locals=True)
                shown.append("".join(told.format()))
            shown.extend([repr(vars(http)), repr(vars(client)), str(http)])

    anyio.run(body)
    assert len(shown) == 5
    assert KEY not in caplog.text + "".join(shown)


def test_key_stays_at_its_origin(tmp_path: Path) -> None:
    """The key goes to the API only: not to the results' origin, not along a redirect from it."""

    async def api(asked: Asked) -> bytes:
        return answer(200, TASK)

    async def media(asked: Asked) -> bytes:
        return answer(200, b"\x89PNG....")

    async def body() -> tuple[OddServer, OddServer]:
        async with odd_server(api) as one, odd_server(media) as two, Http(one.origin, Secret(KEY)) as http:

            async def redirecting(asked: Asked) -> bytes:
                return answer(307, headers={"location": f"{two.origin}{asked.path}"})

            client = RivyaClient(http, clock=time.monotonic, random=lambda: 0.0)
            assert isinstance(await client.task("task_1", deadline=time.monotonic() + 5), Task)
            part = tmp_path / "x.part"
            found = await fetch(
                http, two.origin + "/x", part, look=bool, max_bytes=99, deadline=time.monotonic() + 5
            )
            assert isinstance(found, Fetched)
            one.answerer = redirecting
            await client.create_once(TASK, "k")
            assert not isinstance(await client.task("task_1", deadline=time.monotonic() + 5), Task)
            return one, two

    one, two = anyio.run(body)
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in one.asked)
    assert [asked.path for asked in two.asked] == ["/x"]
    assert "authorization" not in two.asked[0].headers


def test_proxy_is_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy from the environment never sees what goes to this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    _, (reply,) = send(always(answer(200, TASK)), GET)
    assert isinstance(reply, ApiResponse) and reply.status == 200


def test_proxy_is_for_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a proxy in the environment the API and results elsewhere are asked for through it, and nowhere else."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n")).strip())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def body() -> list[object]:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        try:
            network = Network.of_environment()
            async with Http("https://api.example", Secret(KEY), network=network) as http:
                found: list[object] = [await http.send(GET, deadline=FAR)]
                async with http.open("https://media.example:8443/x", {}) as incoming:
                    return [*found, incoming]
        finally:
            server.close()

    found = anyio.run(body)
    assert [isinstance(one, TransportError) and one.kind for one in found] == [FailureKind.NOT_CONNECTED] * 2
    assert asked == [b"CONNECT api.example:443 HTTP/1.1", b"CONNECT media.example:8443 HTTP/1.1"]


def upload(answerer: Answerer, path: Path) -> tuple[OddServer, object]:
    async def body() -> tuple[OddServer, object]:
        async with odd_server(answerer) as server, Http(server.origin, Secret(KEY)) as http:
            client = RivyaClient(http, clock=time.monotonic, random=lambda: 0.0)
            found = await client.upload(
                path,
                kind="image",
                model="grok-imagine-video",
                mime_type="image/png",
                trace_id="teaser.upload.0123456789abcdef",
                name='päck "1".png',
                deadline=time.monotonic() + 10,
            )
            return server, found

    return anyio.run(body)


def test_upload(tmp_path: Path) -> None:
    """An upload is a multipart form with file, kind, model and trace id, sent again after a reset."""
    path = tmp_path / "pack.png"
    path.write_bytes(b"\x89PNG" + bytes(1000))
    reply = answer(201, b'{"id": "file_1", "url": "https://u.example/1", "duration_token": "t"}')
    server, found = upload(always(Cut(), answer(503), reply), path)
    assert found == UploadedFile("https://u.example/1", "file_1", "t", None)
    assert len(server.asked) == 3
    asked = server.asked[-1]
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert "idempotency-key" not in asked.headers
    assert b'name="kind"\r\n\r\nimage' in asked.body
    assert b'name="model"\r\n\r\ngrok-imagine-video' in asked.body
    assert b"teaser.upload.0123456789abcdef" in asked.body
    assert b"Content-Type: image/png" in asked.body and path.read_bytes() in asked.body


def test_upload_is_streamed(tmp_path: Path) -> None:
    """A large file is never read as a whole."""
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(24_000_000)

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        left = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        while left:
            left -= len(await reader.read(min(left, 1 << 16)))
        writer.write(answer(200, b'{"url": "https://u.example/1"}'))
        await writer.drain()
        writer.close()

    async def body() -> ApiResponse | TransportError:
        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            async with Http(origin, Secret(KEY)) as http:
                form = Form({"kind": "video"}, path, "large.mp4", "video/mp4")
                return await http.send(ApiRequest("POST", "/api/v1/files", form=form), deadline=FAR)
        finally:
            server.close()

    tracemalloc.start()
    try:
        found = anyio.run(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, ApiResponse) and found.status == 200
    assert peak < 6_000_000


@pytest.mark.parametrize("slow", ["taking", "answering"])
def test_an_upload_ends_at_its_deadline(tmp_path: Path, slow: str) -> None:
    """A server that takes it slowly, or answers a byte at a time, meets no timeout of a single piece."""
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(24_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for turn in range(2000):
                await reader.read(1 << 24 if slow == "answering" else 1 << 16)
                await asyncio.sleep(0.01)
                if slow == "answering":
                    writer.write(b"still: working\r\n" if turn else b"HTTP/1.1 200 OK\r\n")
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def body() -> ApiResponse | TransportError:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            async with Http(origin, Secret(KEY)) as http:
                form = Form({"kind": "video"}, path, "large.mp4", "video/mp4")
                request = ApiRequest("POST", "/api/v1/files", form=form)
                with anyio.fail_after(20):
                    return await http.send(request, deadline=time.monotonic() + 0.3)
        finally:
            await end(server)

    found = anyio.run(body)
    assert isinstance(found, TransportError)
    assert found.kind is FailureKind.READ_TIMEOUT


def test_upload_of_a_file_that_is_gone(tmp_path: Path) -> None:
    """A file that can't be read is no reason to try again, and nothing is sent."""
    server, found = upload(always(answer(200)), tmp_path / "gone.png")
    assert isinstance(found, Unanswered) and "gone.png" in found.last
    assert server.asked == []


def test_create_for_real() -> None:
    """A create whose connection breaks after it arrived may have made a task; the same bytes tell."""

    async def body() -> tuple[OddServer, list[CreateResult]]:
        answers = always(Cut(), Cut(answer(200, TASK)[:-9]), answer(200, b"<html>"), answer(201, TASK))
        async with odd_server(answers) as server, Http(server.origin, Secret(KEY)) as http:
            client = RivyaClient(http, clock=time.monotonic, random=lambda: 0.0)
            return server, [await client.create_once(b'{"a":1}', "k.1") for _ in range(4)]

    server, found = anyio.run(body)
    assert [type(one) for one in found] == [MayHaveArrived] * 3 + [Created]
    assert {(asked.body, asked.headers["idempotency-key"]) for asked in server.asked} == {(b'{"a":1}', "k.1")}
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 11 May 2026 00:00:00 GMT", 1_778_457_600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Mon, 11 May 2026 00:00:00 -0000", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_the_clock_of_the_api_is_heard_with_its_answers(date: str | None, expected: float | None) -> None:
    """As the ``Date`` of the latest one says, and as much later as it is by now; nonsense is none."""
    headers = {} if date is None else {"date": date}

    async def body() -> float | None:
        async with odd_server(always(answer(200, b"{}", headers=headers))) as server:
            seconds = 100.0
            async with Http(server.origin, Secret(KEY), steady=lambda: seconds) as http:
                assert http.server_time() is None
                await http.send(GET, deadline=FAR)
                seconds += 5
                return http.server_time()

    assert anyio.run(body) == (None if expected is None else expected + 5)
