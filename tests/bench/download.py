"""A large result on its way to disk."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, program, take
from bench.serving import serving

BYTES = 50_000_000
TIMES = 7


def figures(folder: Path) -> Iterator[Figure]:
    """With sha256, fsync and checks, beside curl without: ratio of speeds, start-up of neither counted."""
    with serving("--clip-bytes", str(BYTES), module="bench.queue_server") as server:
        url = f"{server.url}/files/x"
        ratios = []
        for number in range(TIMES + 1):
            mine = asyncio.run(_fetched(url, folder / f"{number}.part"))
            theirs = _curl(url, folder / f"{number}.curl")
            ratios.append(theirs / mine)
        speed = statistics.median(ratios[1:])
    yield Figure("download with sha256 / curl without, 50 MB", speed, 0.6, at_least=True)


async def _fetched(url: str, part: Path) -> float:
    from rivya_run.provider.download import Fetched, fetch
    from rivya_run.provider.http import Http

    async with Http("http://127.0.0.1:9", None) as http:
        began = time.perf_counter()
        got = await fetch(http, url, part, look=bool, max_bytes=1 << 40, deadline=time.monotonic() + 60)
        took = time.perf_counter() - began
    assert isinstance(got, Fetched) and got.bytes == BYTES
    return took


def _curl(url: str, target: Path) -> float:
    """What curl itself says that the transfer took."""
    said = target.with_suffix(".said")
    script = f'{program("curl")} --silent --output {target} --write-out "%{{time_total}}" {url} > {said}'
    take(["sh", "-c", script], folder=target.parent)
    assert target.stat().st_size == BYTES
    return float(said.read_text())
