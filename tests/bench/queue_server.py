"""As much of fal's queue protocol as its client needs, with the stand-in's durations: submit, status, result."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import threading
import time
from collections import Counter
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.stand_in import seconds_of


class Queue:
    """Tasks by id, and counts of what was asked."""

    def __init__(self, url: str, clip: bytes) -> None:
        self._url = url
        self._clip = clip
        self._ends: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.first = self.last = 0.0

    def app(self) -> Starlette:
        """The ASGI application."""
        base = "/rivya/clips"
        return Starlette(
            routes=[
                Route(base, self.submit, methods=["POST"]),
                Route(base + "/requests/{id}/status", self.status),
                Route(base + "/requests/{id}", self.result),
                Route("/files/{id}", self.file),
            ]
        )

    async def submit(self, request: Request) -> Response:
        """A task."""
        asked = await request.json()
        self._count("create")
        name = f"task{len(self._ends)}"
        # The params of a clip tell how long it takes, as with the stand-in.
        step = asked["duration"] - 6
        seconds = 0.5 + 1.5 * step / 24
        assert 0.5 <= seconds <= 2.0
        self._ends[name] = time.monotonic() + seconds
        url = f"{self._url}/rivya/clips/requests/{name}"
        return _reply(
            {
                "request_id": name,
                "response_url": url,
                "status_url": url + "/status",
                "cancel_url": url + "/cancel",
                "status": "IN_QUEUE",
                "queue_position": 0,
            }
        )

    async def status(self, request: Request) -> Response:
        """Whether it has ended."""
        self._count("status")
        ended = time.monotonic() >= self._ends[request.path_params["id"]]
        return _reply({"status": "COMPLETED" if ended else "IN_PROGRESS", "logs": None, "metrics": {}})

    async def result(self, request: Request) -> Response:
        """Where its file is."""
        self._count("result")
        return _reply({"video": {"url": f"{self._url}/files/{request.path_params['id']}"}})

    async def file(self, request: Request) -> Response:
        """The file."""
        self._count("download")
        return Response(self._clip, media_type="video/mp4")

    def _count(self, place: str) -> None:
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.counts[place] += 1


def _reply(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), media_type="application/json")


def main() -> None:
    """Serve until standard input ends; then tell what was noted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip-bytes", type=int, default=4096)
    given = parser.parse_args()
    assert seconds_of(0, 0.5, 2.0) == 0.5
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    queue = Queue(url, b"\0" * given.clip_bytes)
    config = uvicorn.Config(
        queue.app(), log_config=None, access_log=False, lifespan="off", backlog=1024, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])), daemon=True)
    thread.start()
    _say({"url": url})
    sys.stdin.read()
    _say({"counts": dict(queue.counts), "makespan": queue.last - queue.first})
    server.should_exit = True
    thread.join(5)


def _say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
