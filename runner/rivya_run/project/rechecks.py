"""The checks of stored files once more: for what an earlier version stored, and after a rule has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rivya_run import __version__
from rivya_run.journal.attempt import Attempt, Output
from rivya_run.journal.events import Checked
from rivya_run.journal.take_entry import sent_params
from rivya_run.json_types import Json
from rivya_run.media.checks import faults_in_words
from rivya_run.media.measuring import look_into
from rivya_run.project.books import open_database, written_by_us
from rivya_run.project.home import FolderHome
from rivya_run.project.names import within
from rivya_run.project.plan import RunOptions, open_sources, prepare, run_started
from rivya_run.storyboard.model import CHECKS


@dataclass(frozen=True, slots=True)
class Rechecked:
    """One file that was looked into again. ``before`` is what was on record, in words, None where nobody had looked;
    ``now`` is on record from here on."""

    take: str
    path: str
    before: list[str] | None
    now: list[str]


def rechecked(storyboard: Path, options: RunOptions) -> Iterator[Rechecked]:
    """Look into every stored file that is there and is what was paid for; what differs is recorded at once.

    Nothing else changes by it: not what a file is, nor what is made from it. Raises RivyaError.
    """
    source = open_sources([storyboard], options)[0]
    with ExitStack() as stack:
        database = stack.enter_context(open_database(options.database, simulate=options.simulate))
        purpose = f"verify {source.relative_path}"
        ledger = stack.enter_context(written_by_us(source.folder, purpose, database))
        prepared = prepare(source, ledger, options, None, base_url=None, writing=True)
        started = False
        for attempt, output, checks in _looked_into(source.home, list(ledger.history.attempts.values())):
            before = (output.media or {}).get("checks")
            if before != checks:
                if not started:
                    origin = prepared.made_with or ledger.history.base_url or ""
                    ledger.record(run_started(source, origin, __version__, os.getpid()))
                    started = True
                key, found = attempt.client_request_id, [one for one in checks if isinstance(one, dict)]
                ledger.record(Checked(key=key, sha256=output.sha256, checks=tuple(found)))
            take = f"{attempt.shot}/{attempt.take}"
            yield Rechecked(take, output.path, None if before is None else _words(before), _words(checks))
        if started:
            ledger.sync()


def _looked_into(home: FolderHome, attempts: list[Attempt]) -> Iterator[tuple[Attempt, Output, list[Json]]]:
    for attempt in attempts:
        for output in attempt.outputs:
            if output.removed or home.fetched(output) is not None:
                continue
            media = look_into(within(home.folder, output.path), sent_params(attempt)).media
            checks = (media or {}).get("checks")
            if isinstance(checks, list):
                yield attempt, output, checks


def _words(checks: Json) -> list[str]:
    return faults_in_words({"checks": checks}, {}, stop=CHECKS)
