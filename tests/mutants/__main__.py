"""Mutation tests of the code that decides about money: `make mutants`, `make mutants MODULE=retry` for one.

Each mutant (mutations.py) runs against the unit tests of its module until one of them fails. Pytest collects the
tests once; for each mutant a process is forked from there, which gets the mutant's code in place of the module's own
and runs the tests that are loaded. No file is changed, and most mutants die within a few hundredths of a second.
"""

from __future__ import annotations

import ast
import inspect
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import Phase, settings

from mutants.mutations import Mutant, mutants_of

# Module and its tests, the quickest first.
MODULES = {
    "retry": ("provider/rivya/retry.py", ["provider/rivya/test_retry.py"]),
    "budget": ("engine/budget.py", ["engine/test_budget.py"]),
    "sending_age": ("journal/sending_age.py", ["journal/test_sending_age.py"]),
    "fold": (
        "journal/fold.py",
        ["journal/test_fold.py", "journal/test_sending_age.py", "journal/test_judging.py"],
    ),
    "transitions": ("journal/transitions.py", ["journal/test_transitions.py"]),
    "create": (
        "engine/create.py",
        ["engine/test_create_once.py", "engine/test_resend_window.py", "engine/test_create.py"],
    ),
}

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runner" / "rivya_run"
AT_ONCE = 2
MOST_SURVIVORS = 0.05  # beyond it, tests of the money code are thought to miss real faults as well
CPU_SECONDS = 10  # of a mutant: its tests take 3 at most without a fault, a loop without end takes more
SECONDS = 180.0  # of a mutant, on a machine that may be busy: it may wait for what never comes

Key = tuple[str, str, str]


def put_in_place(module: ModuleType, source: bytes) -> None:
    """Give a module that is loaded, and imported by others, the code and the constants of another source.

    Its classes stay the same objects, so that what others hold of them fits: their methods get the other code.
    """
    tree = ast.parse(source)
    other: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(tree, str(module.__file__), "exec", dont_inherit=True), other)
    tree.body = [one for one in tree.body if not isinstance(one, ast.ClassDef)]
    beside = dict(vars(module))
    exec(compile(tree, str(module.__file__), "exec", dont_inherit=True), beside)
    for name, old in list(vars(module).items()):
        if isinstance(old, type):
            if old.__module__ == module.__name__:
                _put_in_class(old, other[name])
        elif isinstance(old, FunctionType):
            _put_in_function(old, beside[name])
        elif not name.startswith("__") and beside[name] != old:
            for user in list(sys.modules.values()):
                if vars(user).get(name) is old:
                    setattr(user, name, beside[name])


def _put_in_class(old: type, new: type) -> None:
    for name, value in list(vars(old).items()):
        other = vars(new).get(name)
        if isinstance(value, property) and isinstance(other, property):
            value, other = value.fget, other.fget
        elif isinstance(value, staticmethod | classmethod) and isinstance(other, staticmethod | classmethod):
            value, other = value.__func__, other.__func__
        if isinstance(value, FunctionType) and isinstance(other, FunctionType):
            _put_in_function(value, other)


def _put_in_function(old: FunctionType, new: FunctionType) -> None:
    if old.__module__ != new.__module__:
        return  # imported
    old, new = inspect.unwrap(old), inspect.unwrap(new)
    old.__code__ = new.__code__
    if all(isinstance(one, int | float | str | None) for one in new.__defaults__ or ()):
        old.__defaults__ = new.__defaults__
    old.__kwdefaults__ = new.__kwdefaults__


@dataclass
class Verdicts:
    """What became of a module's mutants."""

    name: str
    made: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    timed_out: int = 0

    def judged(self, equivalent: dict[Key, str]) -> tuple[list[Mutant], int]:
        """Survivors that a test should have noticed, and how many can't be noticed."""
        real = [one for one in self.survivors if (self.name, one.before, one.after) not in equivalent]
        return real, len(self.survivors) - len(real)


class EachMutant:
    """A plugin of pytest: runs what was collected once for each mutant, some at a time."""

    def __init__(self, verdicts: Verdicts, file: str, equivalent: Collection[Key]) -> None:
        self._verdicts = verdicts
        self._module = ".".join(("rivya_run", *Path(file).with_suffix("").parts))
        self._source = (PACKAGE / file).read_bytes()
        self._equivalent = equivalent

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Properties last: most mutants die by an example, in a thousandth of the time of a property."""
        items.sort(key=lambda one: bool(getattr(getattr(one, "obj", None), "hypothesis", None)))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own; no verdict where the tests fail without any mutant."""
        unchanged = self._start(session, self._source)
        unchanged.join()
        if session.testsfailed or unchanged.exitcode != 0:
            return True
        waiting = mutants_of(self._source)
        self._verdicts.made = len(waiting)
        waiting.reverse()
        running: dict[ForkProcess, tuple[Mutant, float]] = {}
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                mutant = waiting.pop()
                running[self._start(session, mutant.source)] = mutant, time.monotonic() + SECONDS
            wait([one.sentinel for one in running], timeout=1)
            for process, (mutant, deadline) in list(running.items()):
                if process.is_alive() and time.monotonic() < deadline:
                    continue
                self._ended(process, mutant)
                del running[process]
        return True

    def _ended(self, process: ForkProcess, mutant: Mutant) -> None:
        alive = process.is_alive()
        process.kill()
        process.join()
        verdicts, name = self._verdicts, self._verdicts.name
        verdicts.timed_out += alive or process.exitcode == -signal.SIGXCPU
        if process.exitcode == 0:
            verdicts.survivors.append(mutant)
            same = (
                " (known to do the same)" if (name, mutant.before, mutant.after) in self._equivalent else ""
            )
            _say(f"{name}:{mutant.line} {mutant.where}{same}", f"  - {mutant.before}", f"  + {mutant.after}")

    def _start(self, session: pytest.Session, source: bytes) -> ForkProcess:
        fork = multiprocessing.get_context("fork")
        process = fork.Process(target=self._tests_pass, args=(session, source))
        process.start()
        return process

    def _tests_pass(self, session: pytest.Session, source: bytes) -> None:
        """In a process of its own: ends it with 0 where no test notices anything."""
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.mkdtemp()
        try:
            put_in_place(sys.modules[self._module], source)
            for item, following in zip(session.items, [*session.items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    os._exit(1)
        except BaseException:
            os._exit(2)
        os._exit(0)


def run(name: str, equivalent: Collection[Key]) -> Verdicts:
    """All mutants of one module."""
    file, tests = MODULES[name]
    which = [f"tests/unit/{one}" for one in tests]
    # Conftest of the folder alone: the one above it loads a simulator, which takes seconds.
    folders = sorted({Path(one).parent for one in which})
    own = [
        folder.relative_to("tests") / "conftest" for folder in folders if (folder / "conftest.py").exists()
    ]
    plugins = [f"-p{'.'.join(one.parts)}" for one in own]
    off = [f"-pno:{one}" for one in ("xdist", "cacheprovider", "terminal", "capture")]
    plain = ["--noconftest", "--assert=plain", "--hypothesis-profile=mutants"]
    plain += [
        "-ofaulthandler_timeout=0",
        "-oaddopts=--import-mode=importlib",
    ]  # addopts name plugins that are off
    verdicts = Verdicts(name)
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        pytest.main([*plain, *off, *plugins, *which], plugins=[EachMutant(verdicts, file, equivalent)])
    tempfile.tempdir = None
    if not verdicts.made:
        raise SystemExit(f"{name}: its tests fail, or can't be collected: {' '.join(tests)}")
    return verdicts


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
        max_examples=30,
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
