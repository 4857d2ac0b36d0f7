"""What a run that has finished everything leaves for the next one: ``.state``, so that it can answer at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rivya_run.cli.instant import GONE, facts_of, state_text, tables_digest
from rivya_run.durable import write_atomically
from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.engine.run import RunResult, started
from rivya_run.engine.storyboard_run import StoryboardRun
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.take_entry import take_status
from rivya_run.planning.next_commands import Typed
from rivya_run.planning.plan import Action, Plan
from rivya_run.planning.planner import Planner, PlanOptions
from rivya_run.project.outputs import outstanding
from rivya_run.project.places import ARRIVING, JOURNAL, MANIFEST, STATE, project_root
from rivya_run.project.plan import Prepared, RunOptions
from rivya_run.provider.origin import SIMULATOR_ORIGIN
from rivya_run.storyboard.problems import as_text
from rivya_run.views.progress import Outlet, PlainReporter
from rivya_run.views.summary import Ended, summary

TICK = 50_000_000
"""Nanoseconds within which a file system may give two writings the same time."""


class RerunCache:
    """Knows what was there when a command began. ``keep`` is called at its end, under the folder's lock."""

    def __init__(self, files: Sequence[Path], options: RunOptions) -> None:
        selecting = options.only or options.exclude
        reading = options.strict or options.allow_outside or options.new_origin
        self._plain = len(files) == 1 and not (selecting or reading or options.outputs or options.database)
        self._began = time.time_ns()
        self._tables = tables_digest(str(project_root(files[0]))) if self._plain else ""

    def keep(self, prepared: Sequence[Prepared], result: RunResult) -> None:
        """Write ``.state`` where a rerun of the plain command would have nothing to do and nothing to tell."""
        if (
            not self._plain
            or result.exit_code
            or prepared[0].notice is not None
            or result.boards[0].plan.other_choices
        ):
            return
        one, board = prepared[0], result.boards[0]
        plan = _plan_now(one, board)
        if not _nothing_to_do(plan, board):
            return
        files = list(self._files(one, board))
        if None in files or outstanding(board.folder, board.ledger.history.attempts.values()):
            return
        text = state_text(
            str(one.source.path),
            digest=board.storyboard.sha256,
            tables=self._tables,
            origin=board.base_url,
            root=str(one.source.root),
            folder=str(board.folder),
            printed=_printed(one, board, plan),
            files=[file for file in files if file is not None],
        )
        with suppress(OutputFolderError):
            write_atomically(board.folder / STATE, text.encode("ascii"))

    def _files(self, one: Prepared, board: StoryboardRun) -> Iterator[tuple[str, str] | None]:
        """Every file that the answer stands on, as it is; None for one that changed behind our back."""
        for name in (JOURNAL, MANIFEST):
            yield facts_of((board.folder / name).stat(), outside=False), name
        downloads = (
            board.folder / ARRIVING
        )  # what lies in it may be a clip that is still to be put in its place
        yield facts_of(downloads.stat(), outside=False) if downloads.exists() else GONE, ARRIVING
        beside = os.path.abspath(one.source.path.parent)  # noqa: PTH100 - links stay
        for written, facts in (*one.source.facts.items(), *one.source.included.items()):
            path = os.path.join(beside, written)  # noqa: PTH118
            yield self._reference(path if Path(path).exists() else facts.path, facts.bytes, facts.mtime_ns)
        others = one.source.choices.read() if one.source.choices else ()
        for file in (*one.source.own_files(), *sorted(others)):
            yield self._own(os.path.abspath(file))  # noqa: PTH100
        for attempt in board.ledger.history.attempts.values():
            if attempt.state is AttemptState.STORED:
                for output in attempt.outputs:
                    recorded = (output.bytes, output.mtime_ns)
                    missing = one.bad_files.get(output.path) is not None
                    yield self._output(board.folder, output.path, recorded, missing)

    def _reference(self, path: str, size: int, mtime_ns: int) -> tuple[str, str] | None:
        """A file that was hashed since the command began: it must not have been touched since."""
        try:
            facts = os.stat(path)  # noqa: PTH116 - as instant looks at it
        except OSError:
            return None
        same = (facts.st_size, facts.st_mtime_ns) == (size, mtime_ns)
        old = max(facts.st_mtime_ns, facts.st_ctime_ns) < self._began - TICK
        return (facts_of(facts, outside=True), path) if same and old else None

    def _own(self, path: str) -> tuple[str, str] | None:
        """A file of people's own: there, and untouched since the command began, or not there."""
        try:
            facts = os.stat(path)  # noqa: PTH116 - as instant looks at it
        except FileNotFoundError:
            return GONE, path
        except OSError:
            return None
        old = max(facts.st_mtime_ns, facts.st_ctime_ns) < self._began - TICK
        return (facts_of(facts, outside=True), path) if old else None

    def _output(
        self, folder: Path, path: str, recorded: tuple[int, int | None], missing: bool
    ) -> tuple[str, str] | None:
        """A file of a take: as it is on record, or looked at since the command began and untouched since.

        One that was ``missing`` then may be so still, if no present take needs it: the plan knows.
        """
        try:
            facts = (folder / path).stat()
        except FileNotFoundError:
            return (GONE, path) if missing else None
        except OSError:
            return None
        as_recorded = (facts.st_size, facts.st_mtime_ns) == recorded
        return (
            (facts_of(facts, outside=False), path)
            if as_recorded or facts.st_mtime_ns < self._began - TICK
            else None
        )


def _plan_now(one: Prepared, board: StoryboardRun) -> Plan:
    """What the next run would plan: after a run that worked, the plan of before no longer holds."""
    resting = {Action.REUSE, Action.SKIP}
    if all(step.action in resting and step.moves_from is None for step in board.plan.steps):
        return board.plan
    source = one.source
    choices = one.planner.lineage.other_storyboards.choices
    history = board.ledger.history
    return Planner(source.storyboard, source.tables(), history, source.facts, PlanOptions(), choices).plan()


def _nothing_to_do(plan: Plan, board: StoryboardRun) -> bool:
    """Whether everything that is wanted is there, and nothing else waits to be finished or looked at."""
    waiting = any(attempt.open for attempt in board.ledger.history.attempts.values())
    there = all(
        (step.action is Action.REUSE and step.moves_from is None)
        or (step.action is Action.SKIP and not step.wanted)
        for step in plan.steps
    )
    return there and not waiting and not plan.orphans


def _printed(one: Prepared, board: StoryboardRun, plan: Plan) -> tuple[str, str, str]:
    """What the long way prints of such a plan: advice, progress, summary."""
    advice = as_text(one.source.advice) if one.source.advice else ""
    first = PlainReporter(Outlet(None)).line(started(board.storyboard.id, plan))
    attempts = board.ledger.history.attempts
    outcomes = {
        (step.shot.id, step.take): Outcome(
            Ending.SKIPPED if step.action is Action.SKIP else Ending.DONE,
            take_status(attempts.get(step.attempt_key or "")),
        )
        for step in plan.steps
    }
    typed = Typed(board.storyboard.path, ("--simulate",) if board.base_url == SIMULATOR_ORIGIN else ())
    ended = Ended(board.storyboard.id, typed, str(board.folder), plan, outcomes, board.ledger.history)
    lines = summary([ended])
    return advice, f"{first}\n", "".join(f"{line}\n" for line in lines)
