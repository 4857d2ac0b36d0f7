"""All benchmarks by name, and the table that they end in."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from bench.figures import DidNotWork, Figure

BENCHMARKS = {
    "rerun": "a rerun that has nothing to do, beside ninja's",
    "help": "rivya-run --help, beside the smallest click program",
    "validate": "validate of 3 shots beside an empty Python, of 10,000 beside check-jsonschema",
    "schedule": "1,000 tasks, 100 in flight: makespan, requests, CPU beside fal-client, connections",
    "memory": "peak memory a shot, from 1,000 to 10,000 shots",
    "download": "50 MB with sha256, beside curl without",
    "cut": "a film of 8 clips encoded again, beside ffmpeg by hand",
    "report": "the page of 1,000 takes, beside 1,000 bare players in the same browser",
    "load": "10,000 shots against the simulator in one process (for the record)",
}
"""Name -> what it measures; each is the module of its name, with one function ``figures``."""

Measure = Callable[[Path], Iterator[Figure]]


def main(names: Sequence[str]) -> int:
    """Run the named benchmarks, or all; 1 if a bound was missed, 2 for a name that isn't one."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are:")  # noqa: T201
        for name, about in BENCHMARKS.items():
            print(f"  {name:10} {about}")  # noqa: T201
        return 2
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}\n")  # noqa: T201
    print(f"{'figure':66} {'value':>9}  {'bound':>9}  verdict")  # noqa: T201
    sys.stdout.flush()
    return max([measured_apart(name) for name in names or BENCHMARKS])


def measured_apart(name: str) -> int:
    """One benchmark in a process of its own: a program's peak memory counts what the one that starts it held."""
    code = f"import sys; from bench.catalogue import measured; sys.exit(measured({name!r}))"
    return subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[1]).returncode


def measured(name: str) -> int:
    """Print the figures of one benchmark; 1 if a bound was missed or it didn't work."""
    missed = False
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
        try:
            for figure in _measure(name)(Path(folder)):
                print(row(figure), flush=True)  # noqa: T201
                missed |= figure.verdict == "missed"
        except DidNotWork as error:
            print(f"{name}: {error}")  # noqa: T201
            return 1
    return int(missed)


def row(figure: Figure) -> str:
    """One line of the table."""
    bound = "" if figure.bound is None else f"{'>=' if figure.at_least else '<='} {figure.bound:g}"
    note = f"  ({figure.note})" if figure.note else ""
    return f"{figure.name:66} {figure.value:9.3f}  {bound:>9}  {figure.verdict:7}{note}".rstrip()


def _measure(name: str) -> Measure:
    measure: Measure = import_module(f"bench.{name}").figures
    return measure
