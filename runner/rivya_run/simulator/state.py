"""What the simulator knows: accounts, tasks, files and keys, as a machine of events without any I/O.

Every change is an entry, first handed to ``record`` (the event log), then applied; the same entries, applied in
order to a new ``State``, give the same state again. Time comes in as ``now``, in seconds.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.refusals import Ask, KnownFile, Refusal, throttled
from rivya_run.simulator.tasks import FATES, FLAWS, SimulatedFile, SimulatedTask, times_of

Entry = dict[str, Json]


class State:
    """Accounts, tasks, files, keys. Methods that change anything are for the server's thread only."""

    def __init__(self, options: SimulatorOptions, record: Callable[[Entry], None] | None = None) -> None:
        self._options = options
        self._record = record or (lambda entry: None)
        self._wallet = options.wallet
        self._balance: dict[str, float] = {}
        self._tasks: dict[str, SimulatedTask] = {}
        self._files: dict[str, SimulatedFile] = {}
        self._by_key: dict[tuple[str, str], str] = {}
        self._hidden: set[str] = set()
        self._ends: list[tuple[float, str]] = []
        self._in_flight: Counter[str] = Counter()
        self._creates: Counter[str] = Counter()
        self._bodies: dict[str, set[str]] = defaultdict(set)
        self.refusals: Counter[str] = Counter()

    # What tests ask.

    def tasks(self) -> list[SimulatedTask]:
        return list(self._tasks.values())

    def count(self) -> int:
        return len(self._tasks)

    def files(self) -> list[SimulatedFile]:
        return list(self._files.values())

    def charged(self, account: str | None = None) -> float:
        """Credits kept for tasks that have ended and been settled."""
        return sum(task.final for task in self._of(account) if task.settled)

    def reserved(self, account: str | None = None) -> float:
        """Credits held for tasks that have not been settled yet."""
        return sum(task.reserved for task in self._of(account) if not task.settled)

    def creates_by_key(self) -> dict[str, int]:
        """Idempotency key -> how many creates with it were read whole (refused ones too; "" for no key)."""
        return dict(self._creates)

    def bodies_by_key(self) -> dict[str, frozenset[str]]:
        """Idempotency key -> sha256 of each distinct body that came with it."""
        return {key: frozenset(bodies) for key, bodies in list(self._bodies.items())}

    def tasks_by_key(self) -> dict[str, list[SimulatedTask]]:
        """Idempotency key -> its tasks: more than one only when the key outlived its lifetime."""
        result: dict[str, list[SimulatedTask]] = defaultdict(list)
        for task in self.tasks():
            result[task.key or ""].append(task)
        return dict(result)

    def balance(self, account: str) -> float:
        """What is left in the wallet; reserved credits are already out of it."""
        return self._balance.get(account, self._wallet)

    # What happens.

    def open(self, past: Iterable[Entry], now: float) -> None:
        """Go on from an earlier event log, or start a new one."""
        began = False
        for entry in past:
            self._apply(entry)
            began = True
        if not began:
            self._note({"e": "opened", "version": 1, "wallet": self._wallet, "at": now})

    def top_up(self, amount: float, account: str = "default") -> None:
        self._note({"e": "top-up", "account": account, "credits": amount})

    def forget_file(self, file_id: str) -> None:
        """Make an uploaded file disappear."""
        self._note({"e": "file-gone", "id": file_id})

    def forget_task(self, task_id: str) -> None:
        """Make a task answer ``not_found`` from now on; what it cost stays."""
        self._note({"e": "task-gone", "id": task_id})

    def settle(self, now: float) -> None:
        """Return or keep the credits of all tasks that have ended by ``now``."""
        while self._ends and self._ends[0][0] <= now:
            task = self._tasks[heapq.heappop(self._ends)[1]]
            if not task.settled:
                self._note({"e": "settled", "id": task.id, "final": task.final, "at": task.ends})

    def earlier(self, account: str, key: str | None, sha256: str, now: float) -> SimulatedTask | None:
        """The task that a key already stands for, if any. Raises Refusal when its body was another one."""
        self.settle(now)
        task_id = self._by_key.get((account, key)) if key is not None else None
        if task_id is None or key is None:
            return None
        task = self._tasks[task_id]
        lifetime = self._options.key_lifetime
        if lifetime is not None and now - task.created >= lifetime:
            return None
        if task.sha256 != sha256:
            self.refuse(key, sha256, "idempotency_conflict")
            raise Refusal("idempotency_conflict", "The key was used with another body.")
        self._note({"e": "create", "key": key, "sha256": sha256, "answer": "replay"})
        return task

    def refuse(self, key: str | None, sha256: str, code: str) -> None:
        """Take down a create that was read and refused; its key stays free."""
        self._note({"e": "create", "key": key or "", "sha256": sha256, "answer": code})

    def create(
        self, account: str, key: str | None, sha256: str, ask: Ask, fate: str | None, now: float
    ) -> SimulatedTask:
        """A new task, its credits reserved. Raises Refusal for an empty wallet or too many in flight."""
        price = self._price(ask.table, ask)
        number = len(self._tasks) + 1
        identity = key or ask.client_request_id or f"#{number}"
        error, charged = FATES.get(fate or "", (None, False))
        charged = charged or (error is not None and self._options.charge_failures)
        starts, ends = times_of(self._options, identity, number, now)
        if price > self.balance(account):
            if self._options.insufficient == "http":
                raise Refusal("insufficient_credits", status=self._options.insufficient_status)
            error, charged, price, starts, ends = "insufficient_credits", False, 0.0, now, now
        limit = self._options.concurrency_limit
        if limit is not None and self._in_flight[account] >= limit:
            raise throttled(self._options.retry_after, f"Only {limit} tasks may be in flight.")
        used = f"{self._options.seed}|{account}|{identity}|{number if key is None else self._count(account, key)}"
        self._note(
            {
                "e": "task",
                "id": f"task_{hashlib.sha256(used.encode('utf-8', 'replace')).hexdigest()[:20]}",
                "account": account,
                "key": key,
                "sha256": sha256,
                "model": ask.table.id,
                "prompt": ask.prompt,
                "params": dict(ask.params),
                "client_request_id": ask.client_request_id,
                "reserved": price,
                "created": now,
                "starts": starts,
                "ends": None if fate == "stuck" else ends,
                "error": error,
                "charged": charged,
                "files": self._options.files_per_task,
                **({"flaw": fate} if fate in FLAWS else {}),
            }
        )
        return next(reversed(self._tasks.values()))

    def task(self, account: str, task_id: str, now: float) -> SimulatedTask:
        self.settle(now)
        task = self._tasks.get(task_id)
        if task is None or task.account != account or task_id in self._hidden:
            raise Refusal("not_found")
        return task

    def identity_of(self, task_id: str) -> str:
        """What a task's faults are drawn from, whoever owns it; the id itself where there is no such task."""
        task = self._tasks.get(task_id)
        return task.identity if task is not None else task_id

    def result_of(self, task_id: str, now: float) -> SimulatedTask | None:
        """The task behind a result URL, once it has succeeded."""
        task = self._tasks.get(task_id)
        return task if task is not None and task.status(now) == "succeeded" else None

    def upload(
        self, account: str, kind: str, mime: str, size: int, sha256: str, fields: dict[str, str], now: float
    ) -> SimulatedFile:
        """Take a file in; the same content again is another file."""
        mark = f"{self._options.seed}|{account}|{sha256}|{len(self._files)}"
        token = hashlib.sha256(mark.encode()).hexdigest()
        self._note(
            {
                "e": "file",
                "id": f"file_{token[:20]}",
                "account": account,
                "kind": kind,
                "mime_type": mime,
                "bytes": size,
                "sha256": sha256,
                "name": fields.get("name", "file"),
                "model": fields.get("model"),
                "client_request_id": fields.get("client_request_id"),
                "duration_token": None if kind == "image" else f"dur_{token[20:44]}",
                "created": now,
            }
        )
        return next(reversed(self._files.values()))

    def file(self, account: str, file_id: str, now: float) -> SimulatedFile:
        file = self._files.get(file_id)
        lifetime = self._options.upload_lifetime
        if (
            file is None
            or file.account != account
            or (lifetime is not None and now - file.created >= lifetime)
        ):
            raise Refusal("not_found")
        return file

    def known_file(self, account: str, file_id: str, now: float) -> KnownFile | None:
        """The same for the judge of a create."""
        try:
            file = self.file(account, file_id, now)
        except Refusal:
            return None
        return KnownFile(file.kind, file.duration_token)

    # How entries change it.

    def _note(self, entry: Entry) -> None:
        self._record(entry)
        self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        known: Any = entry
        kind = known.get("e")
        if kind == "task":
            self._apply_task(known)
        elif kind == "create":
            self._saw(known["key"], known["sha256"])
            if known["answer"] != "replay":
                self.refusals[known["answer"]] += 1
        elif kind == "settled":
            self._apply_settled(known["id"])
        elif kind == "file":
            values = {name: value for name, value in known.items() if name != "e"}
            self._files[known["id"]] = SimulatedFile(**values)
        elif kind == "top-up":
            self._balance[known["account"]] = self.balance(known["account"]) + known["credits"]
        elif kind == "file-gone":
            self._files.pop(known["id"], None)
        elif kind == "task-gone":
            self._hidden.add(known["id"])
        elif kind == "opened":
            self._wallet = known["wallet"]

    def _apply_task(self, entry: Any) -> None:
        values = {name: value for name, value in entry.items() if name != "e"}
        values["ends"] = math.inf if values["ends"] is None else values["ends"]
        task = SimulatedTask(number=len(self._tasks) + 1, **values)
        self._tasks[task.id] = task
        self._balance[task.account] = self.balance(task.account) - task.reserved
        self._in_flight[task.account] += 1
        if task.key is not None:
            self._by_key[task.account, task.key] = task.id
        if task.ends < math.inf:
            heapq.heappush(self._ends, (task.ends, task.id))
        self._saw(task.key or "", task.sha256)

    def _apply_settled(self, task_id: str) -> None:
        task = self._tasks[task_id]
        if not task.settled:
            self._tasks[task_id] = replace(task, settled=True)
            self._in_flight[task.account] -= 1
            self._balance[task.account] = self.balance(task.account) + task.reserved - task.final

    def _saw(self, key: str, sha256: str) -> None:
        self._creates[key] += 1
        self._bodies[key].add(sha256)

    def _of(self, account: str | None) -> list[SimulatedTask]:
        return [task for task in self.tasks() if account is None or task.account == account]

    def _count(self, account: str, key: str | None) -> int:
        if key is None or (account, key) not in self._by_key:
            return 0
        return sum(1 for task in self.tasks() if task.account == account and task.key == key)

    def _price(self, table: ModelTable, ask: Ask) -> float:
        price = self._options.price
        if price is None:
            return table.base_credits or 0
        return price(table, ask.params) if callable(price) else price
