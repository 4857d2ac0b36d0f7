"""What the books of a simulator say, read without starting one: for checks after a kill."""

from __future__ import annotations

import time
from pathlib import Path

from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.state import State
from rivya_run.simulator.tasks import FILE_NAME, read_books


def inspect_books(folder: Path, now: float | None = None) -> State:
    """The state that the books in ``folder`` tell, tasks that ended by ``now`` settled. Writes nothing.

    Raises OutputFolderError when they are damaged before their last line.
    """
    state = State(SimulatorOptions())
    moment = time.time() if now is None else now
    state.open(read_books(folder / FILE_NAME), moment)
    state.settle(moment)
    return state
