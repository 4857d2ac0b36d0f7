"""Stand-ins, in simulated runs, for what another storyboard hasn't made yet."""

from __future__ import annotations

import math
from pathlib import Path

from rivya_run.durable import make_folder, write_atomically
from rivya_run.planning.other_storyboards import BoardFile
from rivya_run.project.files import look_at
from rivya_run.simulator.clips import render
from rivya_run.simulator.render_cache import result_of
from rivya_run.simulator.tasks import SimulatedTask
from rivya_run.storyboard.model import FileFacts


def drawn(file: BoardFile, folder: Path) -> FileFacts:
    """What the simulator would make of the shot, in that folder."""
    assert file.stands_for is not None
    shot, table = file.stands_for
    name = file.facts.path
    task = SimulatedTask(
        id=name,
        account="",
        number=1,
        key=f"elsewhere.{shot.id}.t1.{file.facts.sha256[:16]}.a1",
        sha256=file.facts.sha256,
        model=shot.model,
        prompt=shot.prompt,
        params=dict(shot.params),
        client_request_id=None,
        reserved=0,
        created=0,
        starts=0,
        ends=math.inf,
        error=None,
        charged=False,
        files=1,
    )
    result = result_of(task, 1, table, {})
    target = folder / f"{name}.{result.framing.extension}"
    make_folder(folder)
    write_atomically(target, render(result))
    found = look_at(target.name, folder=folder, root=folder)
    assert isinstance(found, FileFacts), found
    return found
