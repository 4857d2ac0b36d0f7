"""Mutation tests of the code that decides about money: `make mutants`, `make mutants MODULE=retry` for one.

Each mutant (mutations.py) runs against the unit tests of its module, in a process of its own that is forked from
one which has the libraries loaded, and gets the mutant where it imports the module. No file is changed.
"""

from __future__ import annotations

import ast
import importlib.util
import multiprocessing
import os
import sys
import time
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from hypothesis import Phase, settings

from mutants.mutations import Mutant, mutants_of

# Module and its tests, the quickest first.
MODULES = {
    "retry": ("provider/rivya/retry.py", ["provider/rivya/test_retry.py"]),
    "budget": ("engine/budget.py", ["engine/test_budget.py"]),
    "sending_age": ("journal/sending_age.py", ["journal/test_sending_age.py"]),
    "fold": ("journal/fold.py", ["journal/test_fold.py", "journal/test_sending_age.py"]),
    "transitions": ("journal/transitions.py", ["journal/test_fold.py", "journal/test_take_entry.py"]),
    "create": (
        "engine/create.py",
        ["engine/test_resend_window.py", "engine/test_create_once.py", "engine/test_create.py"],
    ),
}

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runner" / "rivya_run"
AT_ONCE = 2
MOST_SURVIVORS = 0.05  # beyond it, tests of the money code are thought to miss real faults as well
LEAST_SECONDS = 30.0  # for a mutant that hangs, on a machine that may be busy
TIMES_AS_LONG = 3.0  # as the tests take without a fault

Key = tuple[str, str, str]


class Mutated(SourceFileLoader):
    """Gives one module other source than its file has, wherever it is imported."""

    def __init__(self, file: str, source: bytes) -> None:
        name = ".".join(("rivya_run", *Path(file).with_suffix("").parts))
        super().__init__(name, str(PACKAGE / file))
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The mutant, where its module is asked for."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        """The mutant, never from a cache."""
        return compile(self._source, self.path, "exec", dont_inherit=True)


class ExamplesFirst:
    """Most mutants die by an example, in a thousandth of the time of a property."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Properties last."""
        items.sort(key=lambda one: bool(getattr(getattr(one, "obj", None), "hypothesis", None)))


def tests_pass(file: str, tests: list[str], source: bytes) -> None:
    """In a process of its own: ends it with pytest's exit code."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    sys.meta_path.insert(0, Mutated(file, source))
    plain = ["-x", "-q", "--noconftest", "-p", "no:xdist", "-p", "no:cacheprovider", "--assert=plain"]
    which = [f"tests/unit/{one}" for one in tests]
    os._exit(pytest.main([*plain, "--hypothesis-profile=mutants", *which], plugins=[ExamplesFirst()]))


@dataclass
class Verdicts:
    """What became of a module's mutants."""

    name: str
    made: int
    survivors: list[Mutant]
    timed_out: int

    def judged(self, equivalent: dict[Key, str]) -> tuple[list[Mutant], int]:
        """Survivors that a test should have noticed, and how many can't be noticed."""
        real = [one for one in self.survivors if (self.name, one.before, one.after) not in equivalent]
        return real, len(self.survivors) - len(real)


def run(name: str, equivalent: Collection[Key]) -> Verdicts:
    """All mutants of one module, some at a time; survivors are told as they are found."""
    file, tests = MODULES[name]
    source = (PACKAGE / file).read_bytes()
    _load_below(source)
    begun = time.monotonic()
    unchanged = _start(file, tests, source)
    unchanged.join()
    if unchanged.exitcode != 0:
        raise SystemExit(f"{name}: its tests fail without any mutant: {' '.join(tests)}")
    limit = max(LEAST_SECONDS, TIMES_AS_LONG * (time.monotonic() - begun))
    waiting = mutants_of(source)
    verdicts = Verdicts(name, len(waiting), [], 0)
    waiting.reverse()
    running: dict[ForkProcess, tuple[Mutant, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            mutant = waiting.pop()
            running[_start(file, tests, mutant.source)] = mutant, time.monotonic() + limit
        wait([one.sentinel for one in running], timeout=1)
        for process, (mutant, deadline) in list(running.items()):
            if process.is_alive() and time.monotonic() < deadline:
                continue
            verdicts.timed_out += process.is_alive()
            process.kill()
            process.join()
            del running[process]
            if process.exitcode == 0:
                verdicts.survivors.append(mutant)
                same = " (known to do the same)" if (name, mutant.before, mutant.after) in equivalent else ""
                _say(
                    f"{name}:{mutant.line} {mutant.where}{same}",
                    f"  - {mutant.before}",
                    f"  + {mutant.after}",
                )
    return verdicts


def _load_below(source: bytes) -> None:
    """Import what the module imports, which can't import it in turn: before the fork, so that no mutant has to."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            importlib.import_module(node.module)


def _start(file: str, tests: list[str], source: bytes) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=tests_pass, args=(file, tests, source))
    process.start()
    return process


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def known_equivalents() -> dict[Key, str]:
    """Mutants that do the same as the program, each with its reason, by module and lines."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text("utf-8"))
    return {
        (module, one["before"], one["after"]): one["reason"]
        for module, ones in listed.items()
        for one in ones
    }


def main() -> None:
    """Run the modules that are named, or all; exit code 1 where too many mutants survive."""
    names = sys.argv[1:] or list(MODULES)
    if unknown := set(names) - MODULES.keys():
        raise SystemExit(f"no such module: {', '.join(unknown)}; there are {', '.join(MODULES)}")
    os.chdir(ROOT)
    settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=50,
        phases=[Phase.explicit, Phase.generate],
    )
    equivalent, rows, bad = known_equivalents(), [], False
    for name in names:
        verdicts = run(name, equivalent)
        real, same = verdicts.judged(equivalent)
        rate = len(real) / max(1, verdicts.made - same)
        bad = bad or rate > MOST_SURVIVORS
        killed = verdicts.made - len(verdicts.survivors)
        rows.append(
            f"{name:12} {verdicts.made:8} {killed:7} {verdicts.timed_out:10} {same:11} {len(real):9} {rate:6.1%}"
        )
        found = {(name, one.before, one.after) for one in verdicts.survivors}
        for module, before, after in equivalent.keys() - found:
            if module == name:
                _say(f"{name}: listed as equivalent, but killed or gone", f"  - {before}", f"  + {after}")
    _say("module        mutants  killed  timed out  equivalent  survived   rate", *rows)
    sys.exit(bad)


if __name__ == "__main__":
    main()
