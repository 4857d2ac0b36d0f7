"""Results when they are asked for: rendered off the event loop, the latest ones kept."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.models.catalog import Catalog
from rivya_run.simulator import clips
from rivya_run.simulator.captions import result_of
from rivya_run.simulator.framing import framing_of
from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.tasks import SimulatedTask

_MOST_KEPT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes, media type and entity tag (without quotes)."""

    body: bytes
    mime_type: str
    etag: str


class Shelf:
    """Renders each result once while it fits; what had to go is rendered again, to the same bytes."""

    def __init__(self, options: SimulatorOptions, catalog: Catalog) -> None:
        self._options = options
        self._catalog = catalog
        # One thread: Pillow's fonts are not made for more, and the runner needs the other processor.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="simulator-clips")
        self._kept: OrderedDict[str, Content] = OrderedDict()
        self._coming: dict[str, asyncio.Future[Content]] = {}
        self._bytes = 0
        self._closing = threading.Event()

    def extension(self, task: SimulatedTask) -> str:
        """The file name extension of a task's results."""
        table = self._catalog.get(task.model)
        return framing_of(table, task.params).extension if table is not None else "mp4"

    async def content(self, task: SimulatedTask, number: int) -> Content:
        """The file ``number`` of a task. Raises Abandoned when the simulator closes on the way."""
        name = f"{task.id}/{number}"
        if self._options.clip_bytes is not None and self.extension(task) == "mp4":
            body = clips.padded(clips.placeholder(), self._options.clip_bytes, name)
            return _content(body, name.encode())
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        if name not in self._coming:
            self._coming[name] = asyncio.ensure_future(self._render(name, task, number))
        return await asyncio.shield(self._coming[name])

    def abandon(self) -> None:
        """Stop rendering: the simulator is about to close."""
        self._closing.set()

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _render(self, name: str, task: SimulatedTask, number: int) -> Content:
        try:
            result = result_of(task, number, self._catalog.get(task.model), self._options.labels)
            loop = asyncio.get_running_loop()
            body = await loop.run_in_executor(self._pool, clips.render, result, self._closing.is_set)
        finally:
            del self._coming[name]
        content = _content(body, body)
        self._kept[name] = content
        self._bytes += len(body)
        while self._bytes > _MOST_KEPT and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)
        return content


def _content(body: bytes, marked: bytes) -> Content:
    """``marked`` is what the entity tag is made of."""
    media = recognise(body[:HEAD_BYTES])
    mime_type = media.mime_type if media is not None else "application/octet-stream"
    return Content(body, mime_type, hashlib.sha256(marked).hexdigest()[:32])
