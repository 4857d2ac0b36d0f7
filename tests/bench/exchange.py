"""One small request and its answer, over one connection: what it costs us."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from bench.figures import Figure
from bench.serving import serving
from rivya_run.wire.exchange import Answer

REQUESTS = 1_000
TIMES = 5


def figures(folder: Path) -> Iterator[Figure]:
    """CPU over our own connections, beside the HTTP library with a pool of one (for the record)."""
    with serving("--clip-bytes", "512") as server:
        ratio, ours, theirs = asyncio.run(_measured(server.url))
    note = f"{ours * 1000:.2f} ms / {theirs * 1000:.2f} ms"
    yield Figure("CPU of a request over our connections / over httpx, pool of one", ratio, note=note)


async def _measured(url: str) -> tuple[float, float, float]:
    """The median ratio of CPU seconds a request, ours to theirs, in turn; and the median of each."""
    from rivya_run.wire.connections import Connections
    from rivya_run.wire.library import Library, address, certificates
    from rivya_run.wire.question import Question, Timeouts

    origin, target = address(f"{url}/api/v1/credits")
    headers = [(b"Host", origin.header), (b"Authorization", b"Bearer rvya_sk_bench")]
    question = Question(b"GET", target, headers, b"", Timeouts(5, 5, 5))
    ours = Connections(tls=lambda: certificates(secure=False), keep_alive=30)
    theirs = Library(transport=None, tls=lambda: certificates(secure=False), keep_alive=30)

    async def own() -> bytes:
        return await _read(await ours.ask(origin, question))

    async def library() -> bytes:
        return await _read(await theirs.ask(origin, question, abroad=False, api=True))

    assert await own() == await library()
    pairs = [(await _cpu(own), await _cpu(library)) for _ in range(TIMES)]
    await ours.aclose()
    await theirs.aclose()
    own_median, library_median = (statistics.median(side) for side in zip(*pairs, strict=True))
    return statistics.median(mine / other for mine, other in pairs), own_median, library_median


async def _read(answer: Answer) -> bytes:
    body = b"".join([piece async for piece in answer.body()])
    await answer.aclose()
    return body


async def _cpu(ask: Callable[[], Awaitable[bytes]]) -> float:
    began = time.process_time()
    for _ in range(REQUESTS):
        await ask()
    return (time.process_time() - began) / REQUESTS
