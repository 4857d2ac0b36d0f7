"""A run reported in lines, for people and as JSON, on a stream where nothing can go wrong."""

from __future__ import annotations

import json
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TextIO

from rivya_run.errors import Problem, RivyaError, StoryboardError
from rivya_run.json_types import Json
from rivya_run.planning.plan import Action, Plan
from rivya_run.progress import Event
from rivya_run.storyboard.problems import as_json
from rivya_run.text import counted, credits_in_words, visible
from rivya_run.times import iso
from rivya_run.views.wording import actions_in_words, clock_of, span

PATIENCE = 5.0
"""Seconds without anybody reading after which, at the end of a run, what is left to write is given up."""

PIECE = 1000
"""Characters in one write: at most 4,000 bytes, which a pipe that is ready takes without blocking (PIPE_BUF)."""


class Outlet:
    """A text stream that never raises, and holds nobody up: what its reader doesn't take yet waits here.

    After a write has failed it takes everything in silence. ``most``: pieces that may wait; older ones are
    dropped, which is right for pictures of a terminal that is stopped. None: all of them wait.
    """

    def __init__(self, stream: TextIO | None, *, most: int | None = None) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque(maxlen=most)
        self._lock = threading.Lock()  # a live picture is drawn by a thread of its own
        self.broken = stream is None

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write what the stream can show; letters that it can't are escaped."""
        with self._lock:
            self._waiting.extend(text[at : at + PIECE] for at in range(0, len(text), PIECE))
            self._push(0)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: whatever can be written is."""

    def close(self) -> None:
        """Write what is queued, as long as there is a reader."""
        with self._lock:
            self._push(PATIENCE)

    def isatty(self) -> bool:
        """Whether it is a terminal that is still open."""
        try:
            return self._stream is not None and not self.broken and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Of the stream beneath; raises OSError where there is none."""
        if self._stream is None:
            raise OSError("there is no stream")
        return self._stream.fileno()

    def _push(self, patience: float) -> None:
        while self._waiting and not self.broken and self._is_ready(patience):
            self._put(self._waiting.popleft())
        if self.broken:
            self._waiting.clear()

    def _is_ready(self, patience: float) -> bool:
        """Whether a piece can be written without blocking, within so many seconds."""
        try:
            return bool(select.select([], [self.fileno()], [], patience)[1])
        except (OSError, ValueError):  # no descriptor, or a system that selects sockets only: the write tells
            return True

    def _put(self, text: str) -> None:
        assert self._stream is not None
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            self._stream.flush()
        except (OSError, ValueError):
            self.broken = True


class ProgressReporter(Protocol):
    """Shows the progress of a run. No method raises or blocks; ``report`` may be called before ``plans``."""

    def plans(self, plans: list[Plan]) -> None:
        """The plans that are about to be carried out."""

    def report(self, event: Event) -> None:
        """Something happened."""

    def close(self) -> None:
        """The run is over."""


class JsonReporter:
    """Writes each event with ``event`` and ``time`` and what else is known: ``shot``, ``take``, ``status``, ..."""

    def __init__(self, outlet: Outlet, *, now: Callable[[], float] = time.time) -> None:
        self._outlet = outlet
        self._now = now

    def plans(self, plans: Sequence[Plan]) -> None:
        """Nothing to do: every event says what it is about."""

    def report(self, event: Event) -> None:
        self._put(fields_of(event))

    def advise(self, storyboard: str, advice: Sequence[Problem], notices: Iterable[str]) -> None:
        """Write what is to be known of a storyboard before it is run."""
        self.problems(advice)
        for notice in notices:
            self.report(Event("notice", storyboard=storyboard, detail={"message": notice}))

    def problems(self, problems: Sequence[Problem]) -> None:
        """Write problems and advice, each an event ``problem``."""
        for problem in as_json(problems):
            assert isinstance(problem, dict)
            self._put({"event": "problem", **problem})

    def failure(self, error: RivyaError) -> None:
        """Write what ended the command as an event ``error``, its problems before it."""
        if isinstance(error, StoryboardError):
            self.problems(error.problems)
        self._put(
            {
                "event": "error",
                "message": error.message,
                "hint": error.hint,
                "exit_code": error.exit_code,
            }
        )

    def close(self) -> None:
        self._outlet.close()

    def _put(self, fields: Mapping[str, Json]) -> None:
        line = {"event": fields["event"], "time": iso(self._now()), **fields}
        self._outlet.write(json.dumps(line, ensure_ascii=True, default=str) + "\n")


def fields_of(event: Event) -> dict[str, Json]:
    """An event as one flat object; what is not known is left out."""
    named: dict[str, Json] = {
        "event": event.name,
        "storyboard": event.storyboard,
        "shot": event.shot,
        "take": event.take,
        "status": event.status,
    }
    known = {name: value for name, value in named.items() if value is not None}
    return {**event.detail, **known}


TakeName = tuple[str, str, int]
"""(storyboard, shot, take)."""


class PlainReporter:
    """Writes a line for each change. ``verbose`` adds every retry and repeats of a status."""

    def __init__(self, outlet: Outlet, *, verbose: bool = False) -> None:
        self._outlet = outlet
        self._verbose = verbose
        self._several = False
        self._quiet: set[TakeName] = set()
        self._retried: set[tuple[object, object]] = set()
        self._away = False
        self._seen: dict[TakeName, tuple[str | None, object]] = {}

    def plans(self, plans: list[Plan]) -> None:
        """Takes that are up to date, or aren't wanted, are not reported unless something happens to them."""
        self._several = len(plans) > 1
        self._quiet = {
            (plan.storyboard, step.shot.id, step.take)
            for plan in plans
            for step in plan.steps
            if step.action is Action.REUSE or (step.action is Action.SKIP and not step.wanted)
        }

    def report(self, event: Event) -> None:
        line = self.line(event)
        if line is not None:
            self._outlet.write(f"{line}\n")

    def close(self) -> None:
        self._outlet.close()

    def line(self, event: Event) -> str | None:
        """The line of an event; None for what is not worth one."""
        detail = event.detail
        if event.name == "take_changed":
            return self._take(event)
        if event.name == "run_started":
            return visible(f"{event.storyboard}: {_started(detail)}")
        if event.name == "uploaded":
            return self._of(event, f"uploaded {detail.get('path')}")
        if event.name == "limit_changed":
            change = f"{detail.get('before')} -> {detail.get('limit')}"
            return visible(f"tasks at once {change}: {detail.get('reason')}")
        if event.name == "paused":
            return visible(f"all requests pause for {span(detail.get('seconds'))}: {detail.get('reason')}")
        if event.name == "notice":
            return visible(f"note: {detail.get('message')}")
        if event.name == "retrying":
            return self._retry(detail)
        return self._reach(event.name, detail)

    def _reach(self, name: str, detail: Mapping[str, object]) -> str | None:
        """That the API can't be reached, told once and at once, and that it can be again."""
        if name == "unreachable":
            self._away = True
            since, until = (clock_of(str(detail.get(one))) for one in ("since", "until"))
            return visible(
                f"no connection to {detail.get('host')} since {since}, tried until {until}: {detail.get('reason')}"
            )
        if name == "reachable":
            self._away = False
            return visible(f"{detail.get('host')} answers again, after {span(detail.get('seconds'))}")
        return None

    def _retry(self, detail: Mapping[str, object]) -> str | None:
        """The first retry of each kind and reason says why nothing moves; the others are for -v."""
        news = (detail.get("what"), detail.get("reason"))
        if (news in self._retried or self._away) and not self._verbose:
            return None
        self._retried.add(news)
        return visible(f"{news[0]} failed, retrying in {span(detail.get('wait'))}: {news[1]}")

    def _take(self, event: Event) -> str | None:
        name = (event.storyboard or "", event.shot or "", event.take or 0)
        detail = event.detail
        if name in self._quiet and event.status in {"succeeded", "planned"}:
            return None
        news = (event.status, detail.get("reason") or detail.get("error"))
        if self._seen.get(name) == news and not self._verbose:
            return None
        self._seen[name] = news
        line = f"{event.shot}/{event.take} {'not made' if event.status == 'planned' else event.status}"
        if event.status in {"planned", "failed", "unknown"}:
            reasons = [str(detail[key]) for key in ("error", "reason") if detail.get(key)]
            line += f": {': '.join(dict.fromkeys(reasons))}" if reasons else ""
        else:
            line += _facts(detail)
        return self._of(event, line)

    def _of(self, event: Event, words: str) -> str:
        return visible(f"{event.storyboard}: {words}" if self._several else words)


def _facts(detail: Mapping[str, object]) -> str:
    credits = detail.get("credits")
    facts = [str(detail["task_id"])] if detail.get("task_id") else []
    if isinstance(credits, int | float):
        facts.append(credits_in_words(credits))
    return f" ({', '.join(facts)})" if facts else ""


def _started(detail: Mapping[str, object]) -> str:
    actions = detail.get("actions")
    credits = detail.get("credits")
    words = actions_in_words(actions) if isinstance(actions, Mapping) else ""
    how = "at least" if detail.get("at_least") else "about"
    cost = f"; {how} {credits_in_words(credits)}" if isinstance(credits, int | float) and credits else ""
    takes = detail.get("takes")
    return f"{counted(takes if isinstance(takes, int) else 0, 'take')}{': ' if words else ''}{words}{cost}"
