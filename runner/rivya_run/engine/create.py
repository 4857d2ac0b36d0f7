"""One create: intent on disk, the same bytes until an answer is known, and what the answer means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from rivya_run.engine.board import Board
from rivya_run.engine.budget import Admission
from rivya_run.engine.outcome import Ending
from rivya_run.engine.task_slots import Slot
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.events import Created, GivenUp, Intended, MarkedUnknown, Withdrawn
from rivya_run.journal.events import Refused as RefusedEvent
from rivya_run.journal.fingerprint import client_request_id, request_body
from rivya_run.journal.take_entry import out_of_credits
from rivya_run.journal.task import ApiError, Task
from rivya_run.json_types import Json
from rivya_run.planning.plan import Parent, Step
from rivya_run.provider.rivya.client import Refused, Unanswered, key_refused
from rivya_run.provider.rivya.retry import INSUFFICIENT_CREDITS
from rivya_run.times import iso

CONFLICT = "idempotency_conflict"


class NoPlace(Exception):
    """A throttled create that waits no longer: the API has answered nothing else for too long."""


class Place:
    """A take's place among the tasks in flight: left and taken again when the API throttles its create."""

    def __init__(self, board: Board, priority: float) -> None:
        self._session = board.session
        self._limiter = board.session.limiter
        self._priority = priority
        self._slot: Slot | None = None

    async def take(self) -> None:
        """Wait for a place."""
        self._slot = await self._limiter.acquire(self._priority)

    def take_over(self) -> None:
        """Count a task that runs already: it waits for no place."""
        self._slot = self._limiter.acquire_nowait_over()

    def accepted(self) -> None:
        """The create was answered with a task."""
        if self._slot is not None:
            self._slot.accepted()

    async def throttled(self, retry_after: float | None) -> None:
        """The API refused for too many requests or tasks: stand in line again. Raises NoPlace."""
        if self._slot is not None:
            self._slot.throttled(retry_after)
        if self._session.stuck():
            raise NoPlace("too many requests or tasks, for as long as one take may last")
        await self.take()

    def give_back(self) -> None:
        """Let the next one in."""
        if self._slot is not None:
            self._slot.release()


def intend(
    board: Board,
    step: Step,
    media: Sequence[Mapping[str, Json]],
    parents: Sequence[Parent],
    admission: Admission,
) -> str:
    """Put body and key on disk, before anything is sent; the key."""
    assert step.fingerprint is not None
    shot = step.shot
    if step.gives_up is not None:
        board.record(GivenUp(step.gives_up))
    key = client_request_id(board.storyboard.id, shot.id, step.take, step.fingerprint, step.number)
    api_now = board.http.server_time()
    board.record(
        Intended(
            key,
            shot.id,
            step.take,
            step.fingerprint,
            step.number,
            shot.model,
            request_body(shot.model, shot.prompt, shot.params, media, key),
            admission.cost.credits,
            admission.cost.price_key,
            tuple((p.shot, p.take or 1, p.sha256 or "") for p in parents),
            iso(api_now) if api_now is not None else None,
        )
    )
    board.serve(step, key)
    return key


class Create:
    """Sends one intent until it is answered, refused, or the time is up, and records what is known.

    Right before each sending, after everything that is waited for, ``_refrain`` decides whether it may be:

    - A create that surely never arrived may be sent while creating goes on; once it has stopped (an empty
      wallet, ``--fail-fast``, a full disk, an API that doesn't answer), it is withdrawn.
    - One that may have arrived is sent again also after that, since nothing else tells what became of it, and
      at worst it makes what it was admitted for and is counted as. But only while the API can be expected to
      know its key: past the window a second sending could be paid twice, so a person decides.
    """

    def __init__(self, board: Board, key: str, place: Place, *, resent: bool) -> None:
        self._board = board
        self._key = key
        self._place = place
        self._ambiguous = resent
        self._answered = False
        session = board.session
        # By a clock that can't be set as well: the wall clock may be while this waits.
        self._window_ends = session.steady() + board.window_left(key)

    async def send(self, deadline: float) -> None:
        """Afterwards the attempt's state says all. Raises KeyRefused for 401 and 403.

        A cancelled create that never arrived is withdrawn; one that may have arrived stays ``sent``.
        """
        try:
            if not self._ambiguous:
                await self._board.durability.reached()
            answer = await self._board.client.create(
                self._board.attempt(self._key).body.encode(),
                self._key,
                deadline=min(deadline, self._window_deadline()) if self._ambiguous else deadline,
                ambiguous=self._ambiguous,
                on_task=self._created,
                on_refused=self._refused,
                on_ambiguous=self._may_have_arrived,
                throttled=self._place.throttled,
                refrain=self._refrain,
            )
        except anyio.get_cancelled_exc_class():
            if not self._answered and not self._ambiguous:
                self._board.record(Withdrawn(self._key, "interrupted before it was sent"))
            raise
        except NoPlace as left:
            answer = Unanswered(self._ambiguous, str(left))
        if isinstance(answer, Refused):
            self._check(answer.error)
        elif isinstance(answer, Unanswered):
            self._unanswered(answer)
        await self._board.durability.reached()

    def _refrain(self, ambiguous: bool) -> str | None:
        """Why it may not be sent (again) now, in words."""
        if ambiguous:
            return "the API may have forgotten its key by now" if self._window_passed() else None
        stop = self._board.session.stop.outcome
        return stop.message if stop is not None else None

    def _window_deadline(self) -> float:
        session = self._board.session
        return session.clock() + self._window_ends - session.steady()

    def _window_passed(self) -> bool:
        return self._board.window_left(self._key) <= 0 or self._board.session.steady() >= self._window_ends

    def _may_have_arrived(self) -> None:
        self._ambiguous = True

    def _created(self, task: Task) -> None:
        """On record before anything else can happen; called inside the create's shield."""
        self._answered = True
        attempt = self._board.attempt(self._key)
        foreign = self._foreign(attempt, task)
        if foreign is not None:
            self._board.record(MarkedUnknown(self._key, "foreign_task", foreign))
            return
        self._place.accepted()
        created = Created(
            self._key,
            task.id,
            task.raw_status,
            task.reserved_credits,
            task.final_credits,
            task.created_at,
            task.updated_at,
        )
        try:
            self._board.record(created)
        except OutputFolderError as error:
            raise type(error)(
                f"{error.message}; task {task.id} was created with key {self._key} and is not on record",
                hint=f"note the task id; when the folder can be written again: rivya-run adopt "
                f"{self._board.relative_path} {attempt.shot} {task.id} --take {attempt.take}",
            ) from error

    def _foreign(self, attempt: Attempt, task: Task) -> str | None:
        """Why the task that came back can't be this attempt's."""
        if task.model in self._board.known_models and task.model != attempt.model:
            return f"the API answered with task {task.id} of model {task.model}"
        others = self._board.ledger.history.keys_of_task(task.id) - {self._key}
        return f"the API answered with task {task.id}, which serves {others.pop()}" if others else None

    def _refused(self, error: ApiError) -> None:
        self._answered = True
        if _key_refused(error) and not self._ambiguous:
            self._board.record(Withdrawn(self._key, "the key was refused"))
        elif not self._ambiguous:
            self._board.record(
                RefusedEvent(self._key, error.code, error.message, error.request_id, error.http_status)
            )

    def _check(self, error: ApiError) -> None:
        """What ends more than this take: an empty wallet, also where an earlier sending may have arrived."""
        if error.code == INSUFFICIENT_CREDITS:
            stop_for_empty_wallet(self._board)
        elif _key_refused(error):
            raise key_refused(error)

    def _unanswered(self, answer: Unanswered) -> None:
        if answer.conflict and not answer.ambiguous:
            message = "the API knows this key already, with another body: the take was made elsewhere"
            request_id = answer.error.request_id if answer.error else None
            self._board.record(MarkedUnknown(self._key, CONFLICT, message, request_id))
        elif not answer.ambiguous:
            self._board.record(Withdrawn(self._key, answer.last))
        elif self._window_passed():
            mark_window_passed(self._board, self._key)


def mark_window_passed(board: Board, key: str) -> None:
    """A create whose answer is lost, and whose key the API may have forgotten by now: a person decides."""
    untold = board.seconds_since_sent(key) is None
    clock = (
        ", and this machine's clock can't tell how long ago (is it right now, was it then?)" if untold else ""
    )
    message = f"a create was sent and no answer ever came{clock}: it may have been paid for"
    board.record(MarkedUnknown(key, "no_answer", message))


def react(board: Board, key: str) -> None:
    """Stop creating where the answer says that it is useless: an empty wallet, or a failure under --fail-fast."""
    attempt = board.attempt(key)
    if attempt.state not in {AttemptState.REFUSED, AttemptState.FAILED}:
        return
    if out_of_credits(attempt):
        stop_for_empty_wallet(board)
    elif board.session.options.fail_fast:
        board.session.stop.creating(Ending.UNFINISHED, f"--fail-fast: {attempt.shot}/{attempt.take} failed")


def stop_for_empty_wallet(board: Board) -> None:
    """Create nothing more; what runs is finished and fetched."""
    board.session.stop.creating(Ending.OUT_OF_CREDITS, "the wallet is empty: add credits and run again")


def _key_refused(error: ApiError) -> bool:
    return error.http_status in {401, 403} and error.code != INSUFFICIENT_CREDITS
