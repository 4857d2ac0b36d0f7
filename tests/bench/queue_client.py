"""What one would write with fal-client: submit, wait, fetch; so many at once. A program of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import fal_client
import fal_client.client
import httpx


async def main(url: str, tasks: int, at_once: int, folder: Path) -> None:
    """Every task, its result streamed to a file."""
    fal_client.client.QUEUE_URL_FORMAT = url + "/"
    folder.mkdir()  # noqa: ASYNC240 - before anything runs
    client = fal_client.AsyncClient(key="bench", default_timeout=60)
    places = asyncio.Semaphore(at_once)

    async def one(number: int, results: httpx.AsyncClient) -> None:
        async with places:
            answer = await client.subscribe(
                "rivya/clips", {"prompt": f"Shot {number}", "duration": 6 + number * 7 % 25}
            )
        async with results.stream("GET", answer["video"]["url"]) as response:
            with (folder / f"{number}.mp4").open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

    async with httpx.AsyncClient(timeout=60) as results, asyncio.TaskGroup() as group:
        for number in range(100, 100 + tasks):
            group.create_task(one(number, results))


if __name__ == "__main__":
    os.environ.setdefault("FAL_KEY", "bench")
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
