"""What is written on a simulated result: from the task itself and the scenes the host knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rivya_run.models.values import REFERENCES_KEY
from rivya_run.records import Json
from rivya_run.records.tables import ModelTable
from rivya_run.simulator.clips import Result
from rivya_run.simulator.framing import Framing, framing_of
from rivya_run.simulator.slate import Slate
from rivya_run.simulator.tasks import SimulatedTask

_TRACE = re.compile(r"^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.t(\d+)\.[0-9a-f]+\.a(\d+)$")
_UNKNOWN = Framing(480, 480, 5.0, "mp4")


def result_of(
    task: SimulatedTask, number: int, table: ModelTable | None, labels: Mapping[str, str]
) -> Result:
    """The file ``number`` (from 1) of a task, ready to be rendered."""
    framing = framing_of(table, task.params) if table is not None else _UNKNOWN
    return Result(framing, slate_of(task, number, labels))


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
