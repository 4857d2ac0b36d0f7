"""S3 on loopback for tests, by moto's server, and what is in an object store."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

from rivya_run.project.object_store import ObjectStore

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "secret-of-somebody",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


class S3:
    """A server with one bucket. What it holds lives as long as this process: it can be ``down`` in between."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server_of: Any = ThreadedMotoServer
        self._server: Any = None
        self.port = 0
        self.bucket = f"clips-{uuid4().hex[:12]}"
        self.start()
        self._ask("PUT", f"/{self.bucket}")

    @property
    def environment(self) -> dict[str, str]:
        """What obstore goes by."""
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def start(self) -> None:
        """Answer requests, under the port of before."""
        self._server = self._server_of(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        """From now on nobody answers."""
        self._server.stop()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody answers while the block runs."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _ask(self, method: str, path: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


def content(url: str, name: str, folder: Path) -> dict[str, bytes]:
    """All that a store holds of a storyboard, by path; ``folder`` is for the files that it is read into."""
    store, found = ObjectStore(url), {}
    for number, key in enumerate(store.sizes(name)):
        file = folder / f"object-{number}"
        store.read(key, file)
        found[key.removeprefix(f"{name}/")] = file.read_bytes()
        file.unlink()
    return found


def put(url: str, key: str, content: bytes, folder: Path) -> None:
    """Somebody else's object, in place of what there is."""
    file = folder / "of-somebody-else"
    file.write_bytes(content)
    ObjectStore(url).replace(key, file)
    file.unlink()


@contextmanager
def front(port: int, arrived: Callable[[str, str], None]) -> Iterator[int]:
    """The port of a server that hands requests on to another one; ``arrived`` is told of each before its answer goes
    back."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            there = HTTPConnection("127.0.0.1", port)
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            content = answer.read()
            there.close()
            arrived(self.command, self.path)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _hand_on  # noqa: N815

        def log_message(self, *words: object) -> None:
            """Nothing."""

    with _served(Handler) as found:
        yield found


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """The port of a server that gives every request the same answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815

        def log_message(self, *words: object) -> None:
            """Nothing."""

    with _served(Handler) as found:
        yield found


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Whoever asked has been killed."""

    server = Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
