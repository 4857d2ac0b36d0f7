"""Results when they are asked for: captioned, rendered off the event loop, the latest ones kept."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from rivya_run.json_types import Json
from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ModelTable
from rivya_run.models.values import REFERENCES_KEY
from rivya_run.simulator import clips
from rivya_run.simulator.clips import Result
from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.slate import Framing, Slate, framing_of
from rivya_run.simulator.sounds import SimulatedSound, sound_format, sound_kind, spoken_lines
from rivya_run.simulator.tasks import SimulatedTask

_MOST_KEPT = 64 * 1024 * 1024  # bytes in memory; what is dropped is rendered again


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes, media type and entity tag (without quotes)."""

    body: bytes
    mime_type: str
    etag: str


class RenderCache:
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
        table = self._catalog.get(task.model)
        return framing_of(table, task.params).extension if table is not None else _UNKNOWN.extension

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


_TRACE = re.compile(r"^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.t(\d+)\.[0-9a-f]+\.a(\d+)$")
_UNKNOWN = Framing(480, 480, 5.0, "mp4")


def result_of(
    task: SimulatedTask, number: int, table: ModelTable | None, labels: Mapping[str, str]
) -> Result:
    """The file ``number`` (from 1) of a task, ready to be rendered."""
    slate = slate_of(task, number, labels)
    if table is None:
        return Result(_UNKNOWN, slate)
    params, prompt = {**table.defaults(), **task.params}, task.prompt or ""
    kind, sound = sound_kind(table, params), None
    if kind is not None:
        lines = spoken_lines(params, prompt) if kind == "speech" else ()
        sound = SimulatedSound(kind, f"{task.identity}/{number}", lines)
    framing = framing_of(table, task.params, prompt)
    if task.flaw == "brief":
        framing = replace(framing, seconds=framing.seconds / 2)
    mute = task.flaw == "mute" and framing.extension == "mp4"
    return Result(framing, slate, None if mute else sound, sound_format(params), task.flaw)


def slate_of(task: SimulatedTask, number: int, labels: Mapping[str, str]) -> Slate:
    """Shot, scene and take are read from ``<storyboard>.<shot>.t<take>.<fingerprint>.a<attempt>``."""
    trace = task.client_request_id or task.key or ""
    found = _TRACE.match(trace)
    shot, take, scene = trace or task.id, "", ""
    if found:
        storyboard, shot, take = found[1], found[2], f"take {int(found[3])}"
        if found[4] != "1":
            take += f" · attempt {found[4]}"
        scene = labels.get(f"{storyboard}.{shot}", labels.get(shot, ""))
    if task.files > 1:
        take = f"{take} · file {number}/{task.files}".removeprefix(" · ")
    words = f"scene {scene}" if scene else ""
    return Slate(shot, words, take, task.prompt or "", task.model, _params(task.params), scene or shot)


def _params(params: Mapping[str, Json]) -> str:
    words = [f"{key} {_shown(value)}" for key, value in params.items() if key != REFERENCES_KEY]
    items = params.get(REFERENCES_KEY)
    if isinstance(items, list) and items:
        words.append(f"{len(items)} reference{'s' if len(items) > 1 else ''}")
    return " · ".join(words)


def _shown(value: Json) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
