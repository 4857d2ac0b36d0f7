"""``python -m crash.recorded REQUEST``: one command of the real program, beside a simulator in the same process, and
a record of all that both of them wrote, in order.

REQUEST is JSON: ``args``, ``root``, ``books`` (folder), ``record``, ``ports`` (API, results), ``fatal`` (the
text to die after writing, or null), ``failing`` (a glob over creates whose first task fails) and ``elsewhere``
(make a task by hand first: ``{elsewhere}`` among the arguments is its id).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from crash.kill_points import hasten
from crash.recording import Recorder
from rivya_run.simulator.faults import FaultPlan, Rule
from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.simulator.tasks import FILE_NAME
from simulation import KEY, Api, quick


def main() -> None:
    """Run the command; the exit code is its own."""
    request: dict[str, Any] = json.loads(sys.argv[1])
    root, books = Path(request["root"]), Path(request["books"])
    recorder = Recorder(root, books / FILE_NAME, Path(request["record"]), fatal=request["fatal"])
    recorder.install()
    hasten()
    os.chdir(root)
    rules = (Rule("task-failed", request["failing"]),) if request["failing"] else ()
    with HostedSimulator(options(books, request["ports"], FaultPlan(rules=rules))) as simulator:
        os.environ.update(RIVYA_API_KEY=KEY, RIVYA_BASE_URL=simulator.base_url)
        made = Api(simulator.base_url).create(prompt=ELSEWHERE).json()["id"] if request["elsewhere"] else ""
        from rivya_run.cli.app import app

        app([word.format(elsewhere=made) for word in request["args"]])


ELSEWHERE = "Made by hand"
"""The prompt of the task that a person made in Rivya's own pages."""


def options(books: Path, ports: tuple[int, int], faults: FaultPlan | None = None) -> Any:
    """A quick simulator with books, always at the same ports: to the program it is the same one ever again."""
    port, results_port = ports
    return quick(
        event_log_folder=books,
        event_log_requests=True,
        port=port,
        results_port=results_port,
        faults=faults or FaultPlan(),
    )


if __name__ == "__main__":
    main()
