"""An API on loopback whose answers a test puts together: what it counts is what it made, whatever it says."""

from __future__ import annotations

import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from click.testing import Result

from command_line import rivya_run
from simulation import KEY

Body: TypeAlias = "dict[str, Any] | list[Any] | str"


def picture(path: str) -> bytes:
    """A whole picture of one pixel, another one for each path."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + crc

    header = (1).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    said = b"Comment\0" + path.encode()
    body = chunk(b"IHDR", header) + chunk(b"tEXt", said) + chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def utf8(text: str) -> bytes:
    """As an API should write it."""
    return text.encode()


@dataclass
class OddApi:
    """``results`` are the URLs of a task by its origin, ``wrap`` what is made of each answer, ``encode`` its bytes.

    ``told`` is the status of a task. ``refuse`` is asked before each answer, by what is asked for (create, task,
    credits or file): an answer in its place, text being a page. ``media`` is what a path gives, with its HTTP
    status, ``cut`` after how many bytes of it the connection breaks, ``headers`` what goes with it.
    """

    root: Path
    results: Callable[[str], dict[str, Any]] = lambda origin: {
        "primary_url": f"{origin}/r/1.png",
        "urls": [f"{origin}/r/1.png"],
    }
    wrap: Callable[[str, dict[str, Any]], Body] = lambda what, body: body
    encode: Callable[[str], bytes] = utf8
    refuse: Callable[[str, int], tuple[int, Body] | None] = lambda what, turn: None
    media: Callable[[str, int], tuple[int, bytes]] = lambda path, turn: (200, picture(path))
    cut: Callable[[int], int | None] = lambda turn: None
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "image/png"
    status: str = "succeeded"
    origin: str = ""
    tasks: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    keys_sent: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    def task(self, key: str) -> dict[str, Any]:
        """The task of a key, as published."""
        done = self.status == "succeeded"
        return {
            "id": self.tasks[key],
            "status": self.status,
            "model": "grok-imagine-video",
            "reserved_credits": 10,
            "final_credits": 10 if done else 0,
            "created_at": "2026-05-11T00:00:00.000Z",
            "updated_at": "2026-05-11T00:00:05.000Z",
            "result": self.results(self.origin) if done else None,
            "error": None,
        }

    def create(self, key: str) -> dict[str, Any]:
        """One task for a key, however often it comes."""
        self.tasks.setdefault(key, f"task_{len(self.tasks) + 1}")
        return self.task(key)

    def find(self, task_id: str) -> dict[str, Any]:
        """A task by its id."""
        return self.task(next(key for key, known in self.tasks.items() if known == task_id))

    def board(self, *shots: str, more: str = "") -> Path:
        """A storyboard of these shots."""
        (self.root / "outputs").mkdir(exist_ok=True)
        path = self.root / "board.yaml"
        lines = [f"- {{id: {shot}, prompt: A {shot}{more}}}" for shot in shots or ("s1",)]
        path.write_text("\n".join(["id: board", "shots:", *lines, ""]), encoding="utf-8")
        return path

    def go(self, *words: str, command: str = "run", timeout: float = 20) -> Result:
        """A command on the storyboard, with quick polls."""
        return rivya_run(
            command,
            self.root / "board.yaml",
            *words,
            RIVYA_API_KEY=KEY,
            RIVYA_BASE_URL=self.origin,
            RIVYA_RUN_POLL_INTERVAL="0.02",
            RIVYA_RUN_TIMEOUT=str(timeout),
        )

    def take(self) -> dict[str, Any]:
        """The manifest's entry of the first take."""
        manifest = json.loads((self.root / "outputs/board/manifest.json").read_text(encoding="utf-8"))
        entry: dict[str, Any] = manifest["shots"][0]["takes"][0]
        return entry

    def clips(self) -> list[bytes]:
        """What is on disk of the first take's outputs."""
        folder = self.root / "outputs/board"
        return [(folder / output["path"]).read_bytes() for output in self.take()["outputs"]]


def _handler(api: OddApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            """Nothing: a test looks at what was asked."""

        def say(
            self,
            status: int,
            raw: bytes,
            kind: str = "application/json",
            headers: Mapping[str, str] = MappingProxyType({}),
            cut: int | None = None,
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw[:cut])
            self.close_connection = self.close_connection or cut is not None

        def answer(self, what: str, body: Callable[[], dict[str, Any]]) -> None:
            api.asked[what] += 1
            refusal = api.refuse(what, api.asked[what])
            status, told = refusal if refusal is not None else (200, api.wrap(what, body()))
            if isinstance(told, str):
                self.say(status, told.encode(), "text/html")
            else:
                self.say(status, api.encode(json.dumps(told, ensure_ascii=False)))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/v1/files":
                return self.answer("file", lambda: {"id": "file_1", "url": f"{api.origin}/up/1.png"})
            key = self.headers["Idempotency-Key"]
            api.keys_sent.append(key)
            return self.answer("create", lambda: api.create(key))

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            if path.startswith("/api/v1/generations/task_"):
                return self.answer("task", lambda: api.find(path.rpartition("/")[2]))
            if path == "/api/v1/credits":
                return self.answer("credits", lambda: {"current_credits": 1000})
            api.seen.append(self.path)
            api.leaked += [self.path] if self.headers["Authorization"] else []
            turn = api.seen.count(self.path)
            return self.say(*api.media(path, turn), api.kind, api.headers, api.cut(turn))

    return Handler


@contextmanager
def odd_api(root: Path, **answers: Any) -> Iterator[OddApi]:
    """An API that answers so while the block runs."""
    api = OddApi(root, **answers)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(api)) as server:
        server.daemon_threads = True
        api.origin = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
