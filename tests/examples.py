"""Small records for tests of the rules: shots, tables, attempts and a history of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.journal.events import Entry, JournalEvent, TakenIn
from rivya_run.journal.fingerprint import client_request_id, price_key, request_body
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable, ParameterRow, ParameterType
from rivya_run.planning.families import Families
from rivya_run.planning.lineage import Lineage
from rivya_run.planning.matching import Matching
from rivya_run.planning.other_storyboards import BoardChoice, BoardKey
from rivya_run.planning.plan import BoardTake, Plan, Step
from rivya_run.planning.planner import Planner, PlanOptions
from rivya_run.planning.settled import Settled
from rivya_run.storyboard.model import FileFacts, FileReference, Frame, Shot, ShotReference, Storyboard

MODEL = "grok-imagine-video"
NOW = "2026-05-11T00:00:00.000Z"
DEFAULTS: dict[str, Json] = {"mode": "normal", "duration": 6}


def sha(text: str) -> str:
    """sha256 (hex) of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def table(model: str = MODEL, *, base_credits: int | None = 10) -> ModelTable:
    """A table with a select, ``mode``, and a number, ``duration``."""
    rows = (
        ParameterRow("mode", ParameterType.SELECT, default="normal", options=("normal", "fun")),
        ParameterRow("duration", ParameterType.NUMBER, default=6, minimum=6, maximum=30, step=1),
    )
    return ModelTable(
        id=model,
        display_name=model,
        category="video",
        base_credits=base_credits,
        billing_type="FIXED",
        params=rows,
        source_url="https://rivya.ai",
        read_on="2026-05-11",
        complete=True,
    )


def shot(name: str, prompt: str | None = None, **more: Any) -> Shot:
    """A shot; its prompt is its name unless told, its params are the table's defaults with ``params`` over them."""
    params = {**DEFAULTS, **more.pop("params", {})}
    fields: dict[str, Any] = {
        "model": MODEL,
        "references": (),
        "tags": (),
        "where": f"shots[0] ({name})",
        "line": 1,
        "column": 1,
        **more,
    }
    return Shot(id=name, prompt=prompt if prompt is not None else name, params=params, **fields)


def child(name: str, *parents: str | ShotReference, prompt: str | None = None, **more: Any) -> Shot:
    """A shot that is made from others."""
    references = tuple(from_shot(one) if isinstance(one, str) else one for one in parents)
    return shot(name, prompt, references=references, **more)


def from_shot(name: str, *, take: int | None = None, frame: Frame | None = None) -> ShotReference:
    """A reference to a shot."""
    return ShotReference(name, 1, 1, "", take, frame)


def from_file(path: str) -> FileReference:
    """A reference to a file."""
    return FileReference(path, 1, 1, "")


def file_facts(content: str) -> FileFacts:
    """Facts of a picture whose content is this text."""
    return FileFacts("/refs/a.png", sha(content), len(content), 0, "image", "image/png")


def board(*shots: Shot, max_credits: float | None = None) -> Storyboard:
    """A storyboard called ``board``."""
    return Storyboard("board", "board.yaml", sha("board"), None, None, max_credits, shots, MODEL)


def attempt(
    asked: Shot,
    take: int = 1,
    state: AttemptState = AttemptState.STORED,
    *,
    number: int = 1,
    digest: str | None = None,
    **changes: Any,
) -> Attempt:
    """An attempt at a take of this shot, as a run leaves it in that state; ``changes`` go over it.

    Its output's content follows from its key. ``digest`` is its fingerprint where the shot's own (of a shot
    without references) isn't meant.
    """
    digest = digest if digest is not None else digest_of(asked)
    key = client_request_id("board", asked.id, take, digest, number)
    has_task = state not in {
        AttemptState.SENT,
        AttemptState.WITHDRAWN,
        AttemptState.REFUSED,
        AttemptState.UNKNOWN,
        AttemptState.GIVEN_UP,
    }
    stored = state is AttemptState.STORED
    output = Output(f"{asked.id}/{asked.id}_t{take:02d}_{digest[:8]}.mp4", None, 3, sha(key), "video/mp4")
    made = Attempt(
        client_request_id=key,
        shot=asked.id,
        take=take,
        fingerprint=digest,
        number=number,
        model=asked.model,
        body=request_body(asked.model, asked.prompt, asked.params, [], key),
        state=state,
        sent_at=NOW,
        estimate=10,
        price_key=price_key(asked.model, asked.params),
        task_id=f"task_{sha(key)[:8]}" if has_task else None,
        reserved_credits=10 if has_task else None,
        final_credits={AttemptState.STORED: 10, AttemptState.FAILED: 0}.get(state),
        outputs=(output,) if stored else (),
    )
    return replace(made, **changes)


def digest_of(asked: Shot, *parents: str, boards: Sequence[BoardTake] = ()) -> str:
    """The fingerprint of a shot, given the content of what it is made from."""
    from rivya_run.planning.plan import Parent

    matching, nothing = Matching([]), History()
    settled = Settled([], nothing, matching)
    lineage = Lineage(
        board(asked), {asked.model: table(asked.model)}, nothing, {}, matching, Families([], nothing), settled
    )
    return lineage.fingerprint(asked, [Parent("parent", 1, content) for content in parents], boards)


def history_of(*attempts: Attempt, at: str = NOW) -> History:
    """A history that knows these attempts, the fields apart that no manifest holds."""
    return History(Entry(number, at, event) for number, event in enumerate(taken_in(attempts), start=1))


def taken_in(attempts: Iterable[Attempt]) -> list[JournalEvent]:
    """The events by which a journal learns of attempts."""
    return [
        TakenIn(key=one.client_request_id, shot=one.shot, entry=entry_of_attempt(one)) for one in attempts
    ]


def planner(
    storyboard: Storyboard,
    history: History | None = None,
    *,
    facts: Mapping[str, FileFacts] | None = None,
    choices: dict[BoardKey, BoardChoice] | None = None,
    **options: Any,
) -> Planner:
    """A planner over example tables."""
    tables = {one.model: table(one.model) for one in storyboard.shots}
    return Planner(storyboard, tables, history or History(), facts or {}, PlanOptions(**options), choices)


def steps(plan: Plan) -> dict[str, Step]:
    """``shot/take`` -> step."""
    return {step.label: step for step in plan.steps}


def planned(storyboard: Storyboard, *attempts: Attempt, **options: Any) -> dict[str, Step]:
    """The plan of a storyboard against a history of these attempts, as ``shot/take`` -> step."""
    return steps(planner(storyboard, history_of(*attempts), **options).plan())
