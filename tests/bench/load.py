"""Ten thousand shots against the simulator in one process, its time compressed: for the record, no bounds."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import DidNotWork, Figure, take
from bench.schedule import first_in_first_out
from bench.storyboards import large

SHOTS = 10_000
IN_FLIGHT = 200
SPEED = 2.0
"""Tasks of 6 to 12 s take 3 to 6: 44 tasks a second, which one interpreter with both programs can still do."""


def figures(folder: Path) -> Iterator[Figure]:
    """Runner and simulator share one process, as with ``--simulate``; a second process takes the figures."""
    large(folder / "board.yaml", SHOTS)
    said = folder / "said.json"
    tests = str(Path(__file__).resolve().parents[1])
    took = take(
        [sys.executable, "-m", "bench.load", folder, said], folder=folder, environment={"PYTHONPATH": tests}
    )
    if not said.exists():
        raise DidNotWork("the run left no figures")
    found = json.loads(said.read_bytes())
    yield Figure(
        f"{SHOTS:,} shots, {IN_FLIGHT} in flight: makespan / bound", found["makespan"] / found["bound"]
    )
    yield Figure("seconds of the bound", found["bound"])
    yield Figure("requests a task", found["requests"] / SHOTS)
    yield Figure("CPU of runner and simulator, ms a task", took.cpu * 1000 / SHOTS)
    yield Figure("peak memory of runner and simulator, MiB", took.peak / 1024)
    yield Figure("journal, bytes a task", found["journal"] / SHOTS)
    yield Figure("reading the journal anew, s", found["fold"])
    yield Figure("manifest, bytes a task", found["manifest"] / SHOTS)


def main(folder: Path, said: Path) -> None:
    """The run itself."""
    from rivya_run.engine.run import run
    from rivya_run.project.ledger import Ledger
    from rivya_run.project.plan import RunOptions
    from rivya_run.simulator.hosting import HostedSimulator
    from rivya_run.simulator.options import SimulatorOptions

    options = SimulatorOptions(
        speed=SPEED, queue_seconds=(1.0, 2.0), run_seconds=(5.0, 10.0), clip_bytes=4096, keep_headers=False
    )
    with HostedSimulator(options) as simulator:
        environment = {"RIVYA_API_KEY": "rvya_sk_bench", "RIVYA_BASE_URL": simulator.base_url}
        chosen = RunOptions(concurrency=IN_FLIGHT)
        result = run([folder / "board.yaml"], chosen, environment=environment, tell=lambda event: None)
        tasks = simulator.state.tasks()
        ended = max(request.at for request in simulator.traffic.requests)
    outputs = folder / "outputs" / "board"
    began = time.perf_counter()
    ledger = Ledger(outputs, now=lambda: "")
    fold = time.perf_counter() - began
    ledger.close()
    told = {
        "exit_code": result.exit_code,
        "makespan": ended - tasks[0].created,
        "bound": first_in_first_out([task.ends - task.created for task in tasks], IN_FLIGHT),
        "requests": sum(simulator.traffic.counts.values()),
        "journal": (outputs / "journal.jsonl").stat().st_size,
        "manifest": (outputs / "manifest.json").stat().st_size,
        "fold": fold,
    }
    said.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
