"""``run`` as a function, and ``arun`` for code inside an event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import anyio

from rivya_run.api.given import PathLike, files_of, options_of
from rivya_run.api.results import RunOutcome, outcome_of
from rivya_run.errors import UsageError
from rivya_run.progress import Event
from rivya_run.project.plan import Prepared, RunOptions

if TYPE_CHECKING:
    from rivya_run.engine.stop import Interrupts

Listener: TypeAlias = Callable[[Event], None]
Confirm: TypeAlias = Callable[[Sequence[Prepared]], None]


def run(
    storyboards: PathLike | Iterable[PathLike],
    options: RunOptions | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    on_event: Listener | None = None,
) -> RunOutcome:
    """Make what is missing of one storyboard or several. ``environment`` holds key and origin (default: the
    process's own).

    ``on_event`` is called with every event as it happens. What it raises stops the run as Ctrl-C does, and is raised
    when that has ended. In the main thread, Ctrl-C and SIGTERM are heard as by the command: the result then has
    exit code 130, and a second one ends the process.

    Raises StoryboardError, UsageError, KeyRefused or OutputFolderError before anything was done; what ends a run
    later is in the result. Raises UsageError inside a running event loop.
    """
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise UsageError(
            "run() can't be used inside a running event loop, as a notebook has one",
            hint="write 'await api.arun(...)', with the same arguments",
        )
    work = _Work(on_event)
    outcome = work.carry_out(files_of(storyboards), options_of(options), environment, work.tell)
    work.raise_trouble()
    return outcome


async def arun(
    storyboards: PathLike | Iterable[PathLike],
    options: RunOptions | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    on_event: Listener | None = None,
) -> RunOutcome:
    """``run`` for code inside an event loop (asyncio), which goes on meanwhile: the work is done in a thread.

    ``on_event`` is called in the event loop. To cancel this stops creating as Ctrl-C does: the requests in flight are
    answered and recorded first.
    """
    return await run_confirmed(storyboards, options, environment=environment, on_event=on_event)


async def run_confirmed(
    storyboards: PathLike | Iterable[PathLike],
    options: RunOptions | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    on_event: Listener | None = None,
    confirm: Confirm | None = None,
) -> RunOutcome:
    """``arun``; ``confirm`` sees the plans that are about to be carried out, under the lock, and may raise. It is
    called in the thread that does the work."""
    work, loop = _Work(on_event), asyncio.get_running_loop()

    def tell(event: Event) -> None:
        with suppress(RuntimeError):  # the loop was closed over our head: nobody listens any more
            loop.call_soon_threadsafe(work.tell, event)

    def carry_out() -> RunOutcome:
        return work.carry_out(files_of(storyboards), options_of(options), environment, tell, confirm)

    running = asyncio.ensure_future(asyncio.to_thread(carry_out))
    try:
        outcome = await asyncio.shield(running)
    except asyncio.CancelledError:
        work.stop()
        with anyio.CancelScope(shield=True):
            while not running.done():
                with suppress(asyncio.CancelledError):  # once is enough: what is in flight is put on record
                    await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # has been looked at
        raise
    work.raise_trouble()
    return outcome


class _Work:
    """One run, what its listener raised, and the way to stop it."""

    def __init__(self, on_event: Listener | None) -> None:
        from rivya_run.engine.stop import Interrupts

        self._interrupts: Interrupts = Interrupts()
        self._on_event = on_event
        self._trouble: Exception | None = None

    def carry_out(
        self,
        files: list[Path],
        options: RunOptions,
        environment: Mapping[str, str] | None,
        tell: Listener,
        confirm: Confirm | None = None,
    ) -> RunOutcome:
        from rivya_run.engine import run as running

        return outcome_of(
            running.run(
                files,
                options,
                environment=os.environ if environment is None else environment,
                tell=tell,
                confirm=confirm,
                interrupts=self._interrupts,
            )
        )

    def tell(self, event: Event) -> None:
        """Hand on an event. A fault of the listener's may not come between a create and its record."""
        if self._on_event is None or self._trouble is not None:
            return
        try:
            self._on_event(event)
        except Exception as error:
            self._trouble = error
            self.stop()

    def stop(self) -> None:
        """Stop creating as the first Ctrl-C does."""
        self._interrupts.request()

    def raise_trouble(self) -> None:
        """Raise what the listener raised."""
        if self._trouble is not None:
            raise self._trouble
