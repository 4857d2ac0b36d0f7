"""Rivya's stand-in as a server for benchmarks: how long a task takes follows from its shot's id."""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys

from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.simulator.options import SimulatorOptions

_NUMBER = re.compile(r"\.sh(\d+)\.")


def seconds_of(number: int, shortest: float, longest: float) -> float:
    """How long the task of a shot takes, as long as its clip is: see ``storyboards.duration_of``."""
    return shortest + (longest - shortest) * (number * 7 % 25) / 24


def main() -> None:
    """Serve until standard input ends; then tell what was noted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip-bytes", type=int, default=4096)
    parser.add_argument("--shortest", type=float, default=0.5)
    parser.add_argument("--longest", type=float, default=2.0)
    parser.add_argument("--random", action="store_true", help="durations that nothing tells in advance")
    given = parser.parse_args()

    def seconds(identity: str, _: int) -> float:
        found = _NUMBER.search(identity)
        return seconds_of(int(found[1]) if found else 0, given.shortest, given.longest)

    options = SimulatorOptions(
        speed=1.0,
        queue_seconds=(0.0, 0.0),
        run_seconds=(given.shortest, given.longest) if given.random else seconds,
        clip_bytes=given.clip_bytes,
        keep_headers=False,
    )
    with HostedSimulator(options) as simulator:
        _say({"url": simulator.base_url, "results": simulator.results_url})
        sys.stdin.read()
        seen = simulator.traffic.requests
        tasks = simulator.state.tasks()
        began = min((task.created for task in tasks), default=0.0)
        _say(
            {
                "counts": dict(simulator.traffic.counts),
                "most_open": dict(simulator.traffic.most_open),
                "connections": dict(simulator.traffic.connections),
                "makespan": max((one.at for one in seen), default=0.0) - began,
                "durations": [task.ends - task.created for task in tasks],
                "cpu": _cpu(),
            }
        )


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
