"""Servers for benchmarks, each a process of its own, so that their work isn't counted as the client's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

TESTS = Path(__file__).resolve().parents[1]


@dataclass
class Server:
    """A server that runs; ``ended`` is what it noted down, there once the block is over."""

    told: dict[str, Any]
    ended: dict[str, Any]

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.told["url"])

    @property
    def environment(self) -> dict[str, str]:
        """What a client of Rivya is told of it."""
        return {"RIVYA_BASE_URL": self.url, "RIVYA_API_KEY": "rvya_sk_bench"}


@contextmanager
def serving(*arguments: str, module: str = "bench.stand_in") -> Iterator[Server]:
    """A server in a process of its own: it tells its address on a line, and what it noted when its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    server = Server(cast("dict[str, Any]", json.loads(process.stdout.readline())), {})
    try:
        yield server
    finally:
        process.stdin.close()
        said = process.stdout.read()
        process.wait()
        server.ended.update(json.loads(said))
