"""What tests need of the simulator: one that is quick, a clock to turn by hand, a plain HTTP client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rivya_run.models.catalog import Catalog
from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.simulator.options import SimulatorOptions

KEY = "rvya_sk_test"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
MP4 = b"\0\0\0\x18ftypisom" + b"\0" * 64


def quick(**changes: Any) -> SimulatorOptions:
    """Options for tests: tasks of some milliseconds, tiny clips that play; ``changes`` go over them."""
    return SimulatorOptions(**{"speed": 1000.0, "clip_bytes": 4096, **changes})


@contextmanager
def hosted(catalog: Catalog | None = None, **changes: Any) -> Iterator[HostedSimulator]:
    """A quick simulator that serves at ``.base_url`` while the block runs."""
    with HostedSimulator(quick(**changes), catalog) as simulator:
        yield simulator


@dataclass
class ManualClock:
    """A clock that only moves when it is told to."""

    seconds: float = 1_778_500_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True)
class Reply:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code of an error body."""
        return str(self.json()["error"]["code"])


def fetch(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10,
) -> Reply:
    """One request on a connection of its own, no redirects followed, errors of the wire raised as they are."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
    finally:
        connection.close()


@dataclass(frozen=True)
class Api:
    """Rivya's endpoints in plain words, against a simulator's ``base_url``."""

    base_url: str
    key: str | None = KEY

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request to ``/api/v1`` + path, with the key."""
        sent = {"Authorization": f"Bearer {self.key}"} if self.key is not None else {}
        return fetch(self.base_url + "/api/v1" + path, method, body, {**sent, **(headers or {})})

    def create(self, key: str | None = None, **fields: Any) -> Reply:
        """A create of the smallest kind; ``fields`` go over it."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.call("POST", "/generations", create_body(**fields), headers)

    def task(self, task_id: str) -> Reply:
        """The state of a task."""
        return self.call("GET", f"/generations/{task_id}")

    def finished(self, task_id: str) -> Any:
        """The task once it has ended: asked for again and again, since quick tasks last milliseconds."""
        for _ in range(2000):
            task = self.task(task_id).json()
            if task["status"] in ("succeeded", "failed"):
                return task
        raise AssertionError(f"{task_id} did not end")

    def upload(
        self, content: bytes = PNG, kind: str = "image", name: str = "pack.png", **fields: str
    ) -> Reply:
        """An upload by multipart form."""
        boundary = "simulated-boundary"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in {"kind": kind, **fields}.items()
        ]
        disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts.append(f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n")
        body = "".join(parts).encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.call("POST", "/files", body, headers)


def create_body(**fields: Any) -> bytes:
    """The smallest create body; ``fields`` go over it."""
    body = {"model": "grok-imagine-video", "prompt": "A reveal", "params": {}, **fields}
    return json.dumps(body).encode()
