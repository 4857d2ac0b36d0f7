"""Lives of one project: runs that are killed, runs that are not, and what the books say at the end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from command_line import rivya_run
from nonsense import WRONG, WRONG_PAST, WRONG_UPLOADS, changed, text
from projects import png
from rivya_run.journal.fold import History
from rivya_run.journal.store import read_journal
from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.simulator.tasks import SimulatedTask
from simulation import KEY

TESTS = Path(__file__).resolve().parent.parent
KILLED = -signal.SIGKILL
HUNG = -1000


@dataclass(frozen=True)
class Clock:
    """A machine's wall clock: wrong by so many seconds; ``jump`` (moment, seconds): from then on by others."""

    wrong_by: float = 0.0
    jump: tuple[int, float] | None = None


RIGHT = Clock()


@dataclass(frozen=True)
class RunEnd:
    """One run: its exit code (negative: the signal), how many moments and renames it saw, the last moment."""

    status: int
    moments: int
    moves: int
    last: str


class ForkServer:
    """The warm process that runs are forked from; a context manager."""

    def __enter__(self) -> ForkServer:
        environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crash.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def start(self, request: dict[str, Any]) -> int:
        """Fork a run; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._answer()["pid"])

    def end(self) -> RunEnd:
        """Wait for the run that was started."""
        return RunEnd(**self._answer())

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the fork server died"
        answer: dict[str, Any] = json.loads(line)
        return answer


class Sniper:
    """Kills a run from the server's side: after the effect of its n-th request, before any reply is sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._left = 0

    def aim(self, pid: int, nth: int) -> None:
        """Kill this process at its n-th request that takes effect."""
        with self._lock:
            self._pid, self._left = pid, nth

    def rest(self) -> None:
        """Kill nobody."""
        with self._lock:
            self._pid = None

    def __call__(self, method: str, path: str, phase: str) -> None:
        """The simulator's hook."""
        with self._lock:
            if phase != "decided" or self._pid is None:
                return
            self._left -= 1
            if self._left <= 0:
                os.kill(self._pid, signal.SIGKILL)
                self._pid = None


BOARD = """
id: crash
vars: {tone: warm}
VERSIONS
shots:
  - {id: pair, prompt: "PAIR, ${tone}", takes: 2 OF_PAIR}
  - {id: NAME, prompt: A reference, references: refs/pack.png}
  - {id: key, model: grok-imagine, prompt: A keyframe OF_KEY}
  - {id: child, prompt: From a keyframe, references: [{shot: key}]}
  - {id: next, prompt: Onwards, references: [{shot: pair, take: 1, frame: last}]}
  - {id: voice, model: elevenlabs-turbo-2-5, prompt: "SAID, ${tone}"}
  - {id: said, prompt: "On set, ${tone}", params: {duration: {fit: voice, pad: 0.5}}}
"""
CHILD = "  - {id: child, prompt: From a keyframe, references: [{shot: key}]}\n"
PAIRS = ("Two of a kind", "Two of another kind")
SAID = ("a" * 100, "a" * 60, "a" * 140)
"""What is narrated, to a clip that is as long: what fits it as well, and what is too long for it."""
VERSIONS = (
    "",
    "versions: {a: {}, b: {vars: {tone: cold}}}",
    "versions: {b: {vars: {tone: cold}}, a: {}}",
    "versions: {a: {}, c: {vars: {tone: sad}}, b: {}}",
)
"""None, two, the same in another order, and others of which two are equal."""
TAKES = 8


class TrueTime:
    """The API's clock: hours pass between two runs when the soak says so."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed


@dataclass
class Project:
    """A project folder, its simulator, and the fork server that runs it."""

    root: Path
    simulator: HostedSimulator
    fork_server: ForkServer
    sniper: Sniper = field(default_factory=Sniper)
    options: tuple[str, ...] = ("--attempts", "2", "--retry-failed")
    environment: dict[str, str] = field(default_factory=dict)
    boards: tuple[str, ...] = ("storyboard.yaml",)
    names: int = 0
    time: TrueTime = field(default_factory=TrueTime)
    clock: Clock = RIGHT
    pair: str = PAIRS[0]
    said: str = SAID[0]
    with_child: bool = True
    versions: str = VERSIONS[0]
    required: bool = False
    pick: int | None = None
    approved: dict[str, str] = field(default_factory=dict)
    held: dict[tuple[str, int], int] = field(default_factory=dict)
    store: Path | None = None

    def __post_init__(self) -> None:
        (self.root / "outputs").mkdir(parents=True, exist_ok=True)
        (self.root / "refs").mkdir(exist_ok=True)
        (self.root / "refs/pack.png").write_bytes(png("pack"))
        self.write("still")

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.root / ("outputs/crash.simulated" if "--simulate" in self.options else "outputs/crash")

    @property
    def log(self) -> str:
        """What the runs said."""
        return (self.root / "log.txt").read_text("utf-8", "replace")

    def write(self, name: str, text: str = BOARD) -> None:
        """Write the storyboard; one shot is called ``name``."""
        text = text if self.with_child else text.replace(CHILD, "")
        picked = f", pick: {self.pick}" if self.pick is not None else ""
        required = ", approval: required" if self.required else ""
        text = text.replace(" OF_PAIR", picked + self._approved("pair"))
        text = text.replace(" OF_KEY", required + self._approved("key"))
        text = text.replace("NAME", name).replace("PAIR", self.pair).replace("VERSIONS", self.versions)
        text = text.replace("SAID", self.said)
        (self.root / "storyboard.yaml").write_text(text, encoding="utf-8")

    def edit(self, draw: random.Random) -> None:
        """Ask for something else between two runs: a shot renamed, a prompt changed (back), a sound spoken anew,
        other versions, a shot deleted."""
        change = draw.random()
        if change < 0.3:
            self.names += 1
        elif change < 0.45:
            self.pair = draw.choice(PAIRS)
        elif change < 0.6:
            self.said = draw.choice(SAID)
        elif change < 0.8:
            self.versions = draw.choice(VERSIONS)
        else:
            self.with_child = not self.with_child
        self.write(f"still{self.names}")

    def _approved(self, family: str) -> str:
        """What is approved of what is made of a shot, in flow style."""
        of = {name: take for name, take in self.approved.items() if name.startswith(family)}
        return ", approved: {" + ", ".join(f"{name}: {take}" for name, take in of.items()) + "}" if of else ""

    def settle(self, draw: random.Random) -> None:
        """What a person decides between two runs: approves what there is, takes that back, asks for an approval,
        picks another take."""
        change = draw.random()
        if change < 0.4:
            self.approve(draw)
        elif change < 0.6:
            self.approved.clear()
        elif change < 0.8:
            self.required = not self.required
        else:
            self.pick = draw.choice((None, 1, 2))
        self.write(f"still{self.names}")

    def approve(self, draw: random.Random, most: int = 1) -> None:
        """Approve takes of which there are files, of the shots that can be approved here."""
        if not (self.folder / "manifest.json").exists():
            return
        made = [
            (shot["id"], take["outputs"][0]["sha256"])
            for shot in self.manifest()["shots"]
            for take in shot["takes"]
            if shot["id"].startswith(("pair", "key")) and take["outputs"]
        ]
        for name, sha256 in draw.sample(made, min(most, len(made))):
            self.approved[name] = f"1@{sha256[:8]}"

    def begin(
        self,
        *options: str,
        fatal: int | str | None = None,
        survived: Collection[str] | None = None,
        fatal_move: int | None = None,
    ) -> int:
        """Start a run; its process id. ``fatal``, ``survived`` and ``fatal_move`` are those of ``KillPoints``."""
        args = ["run", *self.boards, "--poll-interval", "0.02", "--timeout", "60", "--progress", "plain"]
        if self.serves_once:
            args += ["--timeout", "5"]  # for files that never come
        return self._start(
            [*args, *self.options, *options], fatal=fatal, survived=survived, fatal_move=fatal_move
        )

    def _start(
        self,
        args: list[str],
        *,
        fatal: int | str | None = None,
        survived: Collection[str] | None = None,
        fatal_move: int | None = None,
    ) -> int:
        passed, jump = self.time.passed, self.clock.jump
        return self.fork_server.start(
            {
                "args": args,
                "clock": [
                    passed + self.clock.wrong_by,
                    None if jump is None else [jump[0], passed + jump[1]],
                ],
                "env": {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": self.simulator.base_url, **self.environment},
                "cwd": str(self.root),
                "log": str(self.root / "log.txt"),
                "fatal": fatal,
                "survived": None if survived is None else sorted(survived),
                "fatal_move": fatal_move,
            }
        )

    def live(
        self,
        *,
        fatal: int | str | None = None,
        fatal_request: int | None = None,
        survived: Collection[str] | None = None,
        fatal_move: int | None = None,
    ) -> RunEnd:
        """One run, killed at its ``fatal``-th moment (or at the first of that name), in the middle of its
        ``fatal_request``-th request, at the first moment of a kind that isn't among the ``survived`` ones, or
        before its ``fatal_move``-th rename.
        """
        pid = self.begin(fatal=fatal, survived=survived, fatal_move=fatal_move)
        if fatal_request is not None:
            self.sniper.aim(pid, fatal_request)
        ended = self.fork_server.end()
        self.sniper.rest()
        assert ended.status != HUNG, f"a run hung after {ended.last!r}\n{self.log}"
        assert ended.status in {KILLED, 0, 1, 5, 6, 8}, f"exit code {ended.status}\n{self.log}"
        self._look_what_is_held()
        return ended

    def _look_what_is_held(self) -> None:
        """Of no file that was paid for there may ever be fewer bytes here than there were."""
        now = held(self.folder)
        lost = {name: (size, now.get(name, 0)) for name, size in self.held.items() if now.get(name, 0) < size}
        assert not lost, f"bytes that were here are gone: {lost}\n{self.log}"
        self.held = now

    def use_store(self, folder: Path) -> None:
        """Results go into an object store, which is a folder."""
        folder.mkdir()
        self.store = folder
        self.environment["RIVYA_RUN_OUTPUTS"] = folder.as_uri()

    def move_to_another_machine(self) -> None:
        """The next run is made where there is nothing of the outputs."""
        shutil.rmtree(self.root / "outputs")
        (self.root / "outputs").mkdir()
        self.held = {}

    def say_nonsense(self, draw: random.Random) -> bool:
        """A run over a manifest that says what can't be ends at once and records nothing; the good one is put back.

        False where there is no manifest yet, or none with such a place.
        """
        manifest, journal = self.folder / "manifest.json", self.folder / "journal.jsonl"
        if not manifest.exists():
            return False
        good, before = manifest.read_bytes(), journal.read_bytes()
        try:
            wrong = changed(json.loads(good), *draw.choice(WRONG + WRONG_UPLOADS + WRONG_PAST))
        except (LookupError, TypeError):
            return False
        if draw.random() < 0.3:
            journal.rename(journal.with_suffix(".aside"))
        requests = self._requests_at_rest()
        manifest.write_bytes(text(wrong))
        self.begin()
        ended = self.fork_server.end()
        assert ended.status == 7, f"exit code {ended.status} over {wrong}\n{self.log}"
        assert len(self.simulator.traffic.requests) == requests
        if journal.with_suffix(".aside").exists():
            assert not journal.exists()
            journal.with_suffix(".aside").rename(journal)
        assert journal.read_bytes().startswith(before[: before.rfind(b"\n") + 1]), "a run recorded nonsense"
        assert len(journal.read_bytes()) <= len(before)
        assert manifest.read_bytes() == text(wrong)
        manifest.write_bytes(good)
        return True

    def _requests_at_rest(self) -> int:
        """How many requests there were, once those that a killed run had in flight are noted as well."""
        while True:
            seen = len(self.simulator.traffic.requests)
            time.sleep(4 * self.simulator.context.options.slow_seconds)
            if len(self.simulator.traffic.requests) == seen:
                return seen

    def finish(self, most: int = 20) -> int:
        """Run until all is done, putting money into the wallet when it is empty and deciding about what is unknown;
        how many runs it took.

        Where results are served once, a run may have been killed with the only answer in flight: then all is
        done that can be.
        """
        vain = 0
        for count in range(1, most + 1):
            tasks = len(self.simulator.state.tasks())
            ended = self.live()
            if ended.status == 0 and not self.decide():
                return count
            if ended.status == 5:
                self.simulator.state.top_up(1000)
            if ended.status == 6:
                self.decide()
            if ended.status == 8:
                self.required = False
                self.write(f"still{self.names}")
            vain = vain + 1 if ended.status == 1 and tasks == len(self.simulator.state.tasks()) else 0
            if vain == 2 and self.serves_once:
                return count
        raise AssertionError(f"not done after {most} runs\n{self.log}")

    def decide(self) -> bool:
        """What a person does about takes whose outcome is unknown: look for their tasks in the API's own list,
        adopt those that are there, and pay anew for the others. Whether anything was adopted.
        """
        made = self.simulator.state.tasks_by_key()
        manifest = self.manifest()
        wanted = [(shot["id"], take) for shot in manifest["shots"] for take in shot["takes"]]
        unused = [(entry["shot"], entry) for entry in manifest["history"]]
        unknown = [(shot, take) for shot, take in [*wanted, *unused] if take["status"] == "unknown"]
        found = [(shot, take) for shot, take in unknown if made.get(take["client_request_id"])]
        for shot, take in found:
            key = take["client_request_id"]
            args = ["adopt", "storyboard.yaml", shot, made[key][-1].id, "--take", str(take["take"])]
            args += ["--key", key] if (shot, take) in unused or "wanted" in take else []
            patience = "5" if self.serves_once else "60"  # for files that never come
            self._start([*args, "--timeout", patience, "--poll-interval", "0.02"])
            assert self.fork_server.end().status in {0, 1, 5, 6, 8}, self.log
        if any(
            take["status"] == "unknown" and "wanted" not in take and not made.get(take["client_request_id"])
            for _, take in wanted
        ):
            self.simulator.state.top_up(100)  # an unknown take outranks the empty wallet in the exit code
            self.begin("--resend-unknown")
            assert self.fork_server.end().status in {0, 1, 5, 6, 8}, self.log
        return bool(found)

    def manifest(self) -> dict[str, Any]:
        """The manifest as it is on disk."""
        document: dict[str, Any] = json.loads((self.folder / "manifest.json").read_bytes())
        return document

    @property
    def serves_once(self) -> bool:
        """Whether a result is gone as soon as it was sent."""
        return self.simulator.context.options.serves is not None

    def check(self) -> None:
        """Hold the folder against the simulator's own books."""
        if self.serves_once:
            self.live()  # what a run before gave up for its time may come now
        before = len(self.simulator.traffic.requests)
        done = self.live().status == 0
        assert done or self.serves_once
        manifest = self.manifest()
        # Also where no shot uses it any more: a file that is served no more is asked for by every run, and a create
        # whose answer never came is sent again while the API knows its key.
        if done and not any(entry["status"] in {"pending", "sent"} for entry in manifest["history"]):
            assert len(self.simulator.traffic.requests) == before, "a rerun of what is done asked the API"
        _check_money(manifest, self.simulator)
        if done:
            assert manifest["totals"]["succeeded"] == manifest["totals"]["takes"]
        files = Files(manifest, self.folder, self.simulator, self.store)
        files.check_content(self.held)
        storyboard = self.root / "storyboard.yaml"
        where = {"RIVYA_RUN_OUTPUTS": self.store.as_uri()} if self.store is not None else {}
        verified = rivya_run("verify", storyboard, **where)
        assert verified.exit_code == 0, verified.output
        unused = rivya_run("clean", storyboard, **where).stdout.splitlines()[:-1]
        files.check_rest({line.partition("  ")[0] for line in unused})


def entries_of(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything that a manifest tells of, earlier attempts and history included."""
    for shot in manifest["shots"]:
        for take in shot["takes"]:
            yield from _with_earlier(take, shot["id"])
    for entry in manifest["history"]:
        yield from _with_earlier(entry, entry["shot"])


def _with_earlier(entry: dict[str, Any], shot: str) -> Iterator[dict[str, Any]]:
    for one in (entry, *entry.get("attempts", ())):
        yield {**one, "shot": shot}


def _check_money(manifest: dict[str, Any], simulator: HostedSimulator) -> None:
    """One task for each key, one body for each key, and nothing paid for that the manifest doesn't know."""
    state = simulator.state
    tasks = {task.id: task for task in state.tasks()}
    twice = {key: len(found) for key, found in state.tasks_by_key().items() if len(found) > 1}
    assert not twice, f"more than one task for a key: {twice}"
    bodies = {key: len(found) for key, found in state.bodies_by_key().items() if len(found) > 1}
    assert not bodies, f"more than one body for a key: {bodies}"
    known = {entry["task_id"] for entry in entries_of(manifest) if entry["task_id"]}
    assert known == set(tasks), (
        f"tasks of the API: {set(tasks) - known} unknown, {known - set(tasks)} made up"
    )
    good: Counter[str] = Counter()
    takes: dict[str, int] = {}
    for key, found in state.tasks_by_key().items():
        if key.count(".") != 4:
            continue  # made by hand, and adopted
        _, _, take, fingerprint, _ = key.split(".")
        good[fingerprint] += any(task.error is None for task in found)
        takes[fingerprint] = max(takes.get(fingerprint, 0), int(take.removeprefix("t")))
    twice = {one: count for one, count in good.items() if count > takes[one]}
    assert not twice, f"more good tasks than takes that were asked for at once: {twice}"
    spent = state.charged() + state.reserved()
    assert manifest["totals"]["spent_credits"] == spent, "the manifest counts other credits than the API"


@dataclass
class Files:
    """What lies in an output folder, beside the manifest and what the simulator serves."""

    manifest: dict[str, Any]
    folder: Path
    simulator: HostedSimulator
    store: Path | None = None
    expected: set[str] = field(default_factory=lambda: {"manifest.json", "journal.jsonl"})

    def check_content(self, held: Mapping[tuple[str, int], int]) -> None:
        """Every file of every task is here and is what the API serves, also of those that no shot asks for now."""
        entries = {entry["task_id"]: entry for entry in entries_of(self.manifest) if entry["task_id"]}
        for task in self.simulator.state.tasks():
            if task.error is not None:
                continue
            entry = entries[task.id]
            for index in range(task.files):
                served = _served(self.simulator, task, index + 1)
                if index < len(entry["outputs"]):
                    self._check_output(entry["outputs"][index], served)
                else:
                    assert self.simulator.context.options.serves is not None, f"{entry['shot']}: not fetched"
                    there = held.get((entry["client_request_id"], index), 0)
                    # Files are stored in their order: one after a lost one stays among the downloads, whole or not.
                    whole = there >= len(served) and index == len(entry["outputs"])
                    assert not whole, f"{entry['shot']}: {there} bytes are here, and not stored"

    def _check_output(self, output: dict[str, Any], served: bytes) -> None:
        path = self.folder / output["path"]
        if self.store is not None:
            path = self.store / self.folder.name / output["path"]
        assert path.is_file(), f"{output['path']} is missing"
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        assert (digest, len(content)) == (output["sha256"], output["bytes"]), output["path"]
        if "doubt" in output and self.simulator.context.options.serves is not None:
            assert served.startswith(content), output["path"]
        else:
            assert content == served, output["path"]
        self.expected.add(output["path"])
        self.expected.update(still["path"] for still in output.get("frames", ()))

    def check_rest(self, unused: Collection[str]) -> None:
        """Nothing else lies about, but for what ``clean`` lists and downloads that are still to be gone on with."""
        kept = {".books", ".lock", ".lock-export", ".lock-holder", ".state"}
        there = {
            path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()
        }
        rest = there - self.expected - kept
        if self.simulator.context.options.serves is not None:
            rest = {path for path in rest if not path.startswith(".arriving/")}
        assert rest <= set(unused), f"left behind: {rest - set(unused)}"


def held(folder: Path) -> dict[tuple[str, int], int]:
    """How many bytes of each file that was paid for are in a folder, under whatever name: (key, index) -> bytes."""
    history = History(read_journal(folder / "journal.jsonl")[0])
    sums = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.suffix != ".jsonl" and path.is_file()
    }
    found: dict[tuple[str, int], int] = {}
    for key, attempt in history.attempts.items():
        begins = hashlib.sha256(key.encode()).hexdigest()[:16]
        for path in (folder / ".arriving").glob(f"{begins}_*"):
            if ".json" not in path.name:
                name = key, int(path.name.split("_")[1].partition(".")[0]) - 1
                found[name] = max(found.get(name, 0), path.stat().st_size)
        for index, output in enumerate(attempt.outputs):
            if output.sha256 in sums:
                found[key, index] = max(found.get((key, index), 0), output.bytes)
    return found


def _served(simulator: HostedSimulator, task: SimulatedTask, number: int) -> bytes:
    """What the simulator serves as a task's file."""
    return asyncio.run(simulator.context.render_cache.content(task, number)).body


@contextmanager
def open_project(root: Path, fork_server: ForkServer, **options: Any) -> Iterator[Project]:
    """A project with a quick simulator of its own that can kill from its side."""
    from simulation import hosted

    sniper, true_time = Sniper(), TrueTime()
    with hosted(on_request=sniper, clock=true_time, **options) as simulator:
        yield Project(root, simulator, fork_server, sniper, time=true_time)
