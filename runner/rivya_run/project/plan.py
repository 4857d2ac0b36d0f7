"""From storyboard files to plans: what every command that looks at results does first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rivya_run.durable import sync_file
from rivya_run.errors import Problem, Severity, StoryboardError
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import RunStarted
from rivya_run.journal.fold import History
from rivya_run.journal.sending_age import Moment
from rivya_run.planning.base_prices import base_prices
from rivya_run.planning.other_storyboards import board_references
from rivya_run.planning.plan import Plan
from rivya_run.planning.planner import Planner, PlanOptions
from rivya_run.project.books import check_books
from rivya_run.project.claims import check_claim, check_origin, claimed, provenance
from rivya_run.project.home import home_of
from rivya_run.project.ledger import Ledger, learn, passed_over, read_manifest
from rivya_run.project.names import check_room_for_names, path_limit
from rivya_run.project.open import STANDARD_INPUT, Opened, open_storyboard, piped
from rivya_run.project.orphaned import has_takes_of, is_new, left_behind
from rivya_run.project.other_choices import Choices
from rivya_run.project.other_storyboards import Places
from rivya_run.project.outputs import bad_files, carry_out, outstanding
from rivya_run.project.places import JOURNAL, Outputs, output_folder
from rivya_run.project.source import Source
from rivya_run.storyboard.model import without_decisions
from rivya_run.storyboard.selection import Selection, selected_shots
from rivya_run.times import iso

SET_ASIDE = "approved and approval are set aside: nothing that is simulated was approved"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ``run``; times are in seconds, see the contract's table of commands.

    ``via`` is put on record with each create. ``via_max_credits`` is the most that all creates of that way in may
    come to in any 24 hours, over all storyboards and processes of the project.
    """

    concurrency: int = 8
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_credits: float | None = None
    attempts: int = 1
    retry_failed: bool = False
    resend_unknown: bool = False
    timeout: float = 1800
    poll_interval: float = 5
    fail_fast: bool = False
    idempotency_window: float = 3600
    new_origin: bool = False
    strict: bool = False
    allow_outside: bool = False
    outputs: Outputs = None
    database: str | None = None
    simulate: bool = False
    via: str | None = None
    via_max_credits: float | None = None


def open_sources(paths: list[Path], options: RunOptions, *, pipes: bool = False) -> list[Source]:
    """Read and check storyboards. Raises StoryboardError with every problem of all of them.

    ``pipes``: they may come through one.
    """
    again = PlanOptions(retry_failed=options.retry_failed, resend_unknown=options.resend_unknown)
    places = Places(options.outputs, options.simulate, options.allow_outside, again=again)
    contents = [piped(path) if pipes else None for path in paths]
    named = [
        path if content is None else STANDARD_INPUT for path, content in zip(paths, contents, strict=True)
    ]
    allow, strict = options.allow_outside, options.strict
    opened = [
        (path, open_storyboard(path, allow_outside=allow, strict=strict, content=content))
        for path, content in zip(named, contents, strict=True)
    ]
    problems = [problem for _, one in opened for problem in one.problems]
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise StoryboardError("the storyboard has problems; nothing was done", problems)
    sources = [source_of(path, one, options, places) for path, one in opened]
    _check_folders_apart(sources)
    for source in sources:
        check_room_for_names(source.folder, (shot.id for shot in source.storyboard.shots), path_limit())
    _check_not_renamed(sources)
    if len(sources) > 1:
        selections = selected_shots([one.storyboard for one in sources], options.only, options.exclude)
        places.together.update(zip((one.path.resolve() for one in sources), selections, strict=True))
    return sources


def source_of(path: Path, opened: Opened, options: RunOptions, places: Places) -> Source:
    """What was opened without errors, as what a plan is made of."""
    assert opened.storyboard is not None
    storyboard = without_decisions(opened.storyboard) if options.simulate else opened.storyboard
    folder = output_folder(opened.root, options.outputs, opened.storyboard.id, simulate=options.simulate)
    return Source(
        path,
        storyboard,
        opened.catalog,
        opened.facts,
        tuple(opened.problems),
        opened.root,
        home_of(folder, options.outputs, simulate=options.simulate),
        options.allow_outside,
        opened.included,
        Choices(opened, places) if any(map(board_references, opened.storyboard.made)) else None,
        None if storyboard == opened.storyboard else SET_ASIDE,
    )


def _check_folders_apart(sources: list[Source]) -> None:
    """Two storyboards of one run can't share an output folder."""
    seen: dict[Path, Source] = {}
    for source in sources:
        other = seen.setdefault(source.folder.absolute(), source)
        if other is not source:
            raise claimed(source, other.relative_path)


def _check_not_renamed(sources: list[Source]) -> None:
    """An id that is the file's name goes with it: what was made under the old one would be paid for again."""
    problems = [problem for source in sources if (problem := _renamed_from(source)) is not None]
    if problems:
        raise StoryboardError("the storyboard has problems; nothing was done", problems)


def _renamed_from(source: Source) -> Problem | None:
    """The problem of a storyboard without an id of its own, and with results under another name."""
    board = source.storyboard
    if board.named or not is_new(source.folder):
        return None
    candidates = list(left_behind(source.folder, source.root))
    if not candidates:
        return None
    choices = source.choices.now if source.choices else None
    plan = Planner(board, source.tables(), History(), source.facts, PlanOptions(), choices).plan()
    shots = {shot.id for shot in board.shots}
    fingerprints = {step.fingerprint for step in plan.steps if step.fingerprint is not None}
    for left in candidates:
        if has_takes_of(left, shots, fingerprints):
            message = (
                f"{left.folder.name} was made from {left.made_from}, which no longer exists, and has takes of the "
                f"same shots; write 'id: {left.id}' to continue with them, or 'id: {board.id}' to start over"
            )
            return Problem(str(source.path), 1, 1, Severity.ERROR, "id", message, "renamed")
    return None


@dataclass(slots=True)
class Prepared:
    """One storyboard with its journal open and its plan made. ``advice`` is on the storyboard, and on the plan."""

    source: Source
    ledger: Ledger
    planner: Planner
    plan: Plan
    bad_files: Mapping[str, str]
    notice: str | None
    made_with: str | None
    advice: tuple[Problem, ...] = ()


def prepare(
    source: Source,
    ledger: Ledger,
    options: RunOptions,
    selected: Selection | None,
    *,
    base_url: str | None,
    writing: bool,
    now: Callable[[], float] = time.time,
) -> Prepared:
    """Plan against an open journal. ``writing`` records what a committed manifest knows; else nothing is written.
    It also does the moves that a killed run left undone; else their files count as moved.

    ``base_url`` None: the origin isn't looked at. ``now`` is the wall clock.
    """
    elsewhere, document = source.home.manifest(), read_manifest(source.folder, lazily=True)
    if writing:
        check_books(source.root, source.folder, ledger.where(), elsewhere)
    made_with, claimed_by = provenance(ledger.history, document or elsewhere)
    notice = check_claim(source, claimed_by)
    if base_url is not None:
        check_origin(source.folder, made_with, base_url, new_origin=options.new_origin)
    for known in (elsewhere, document):
        if known is not None:
            learn(ledger, known, writing=writing)
    elsewhere = document = known = None  # large ones aren't kept in memory for the planning
    attempts = ledger.history.attempts.values()
    moves = outstanding(source.folder, attempts)
    if writing and moves:
        sync_file(
            source.folder / JOURNAL
        )  # what a killed run wrote may be synced by nobody, and a move is for good
        for move in moves:
            carry_out(source.folder, move)
    if writing:
        source.home.catch_up(attempts)
    bad = bad_files(source.home.trouble, attempts)
    if not writing:
        for path in (*(move.target for move in moves), *source.home.misnamed(attempts)):
            bad.pop(path, None)
    expired = _expired(ledger.history, options.idempotency_window, now())
    plan_options = PlanOptions(
        selected, options.retry_failed, options.resend_unknown, bad, expired, ledger.shown
    )
    choices = source.choices.now if source.choices else None
    planner = Planner(source.storyboard, source.tables(), ledger.history, source.facts, plan_options, choices)
    plan = planner.plan()
    notices = [one for one in (notice, source.notice, passed_over(ledger)) if one is not None]
    notices += source.choices.notices(plan, ledger.history) if source.choices else []
    advice = source.advice if options.simulate else (*source.advice, *base_prices(source.storyboard, plan))
    return Prepared(source, ledger, planner, plan, bad, "; ".join(notices) or None, made_with, advice)


@contextmanager
def planned(
    sources: Sequence[Source], options: RunOptions, *, ledger: Ledger | None = None
) -> Iterator[list[Prepared]]:
    """The plans of storyboards, their journals open for the block; nothing is locked, and nothing is written.

    ``ledger``: the records of the one source, where they are open for writing. Raises OtherBooks for those.
    """
    selections = selected_shots([source.storyboard for source in sources], options.only, options.exclude)
    prepared = []
    with ExitStack() as stack:
        for source, selected in zip(sources, selections, strict=True):
            known = ledger
            if known is None:
                known = Ledger(source.folder, now=lambda: iso(time.time()))
                stack.callback(known.close)
            else:
                check_books(source.root, source.folder, known.where())
            prepared.append(prepare(source, known, options, selected, base_url=None, writing=False))
        yield prepared


def _expired(history: History, window: float, now: float) -> set[str]:
    """Creates without an answer whose key the API may have forgotten, before its clock was heard."""
    unanswered = [one for one in history.attempts.values() if one.state is AttemptState.SENT]
    ages = {one.client_request_id: history.seconds_since_sent(one, Moment(now)) for one in unanswered}
    return {key for key, age in ages.items() if age is None or age >= window}


def run_started(source: Source, base_url: str, version: str, pid: int) -> RunStarted:
    """The event that a writing command begins with."""
    board = source.storyboard
    return RunStarted(
        program=version,
        base_url=base_url,
        storyboard_id=board.id,
        storyboard_path=source.relative_path,
        storyboard_sha256=board.sha256,
        storyboard_inputs=source.inputs(),
        pid=pid,
    )
