"""Attempts in every state, with everything that a manifest can hold of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from examples import NOW, attempt, sha, shot
from rivya_run.journal.attempt import UNDECIDED_STATES, ApiError, Attempt, AttemptState, Output

TEXT = st.text(max_size=12)
LABELS = st.text(min_size=1, max_size=6)
CREDITS = st.none() | st.integers(0, 50) | st.sampled_from([0.5, 12.25])
TIMES = st.sampled_from([None, NOW, "2026-05-11T00:00:09.120Z"])
WITH_TASK = (
    AttemptState.RUNNING,
    AttemptState.FINISHED,
    AttemptState.STORED,
    AttemptState.FAILED,
    AttemptState.TASK_MISSING,
)

outputs = st.builds(
    Output,
    path=st.sampled_from([".mp4", ".png"]),  # its ending: the rest of the name follows from the attempt
    url=st.none() | st.just("https://r/x.mp4?sig=1"),
    bytes=st.integers(0, 10**12),
    sha256=TEXT.map(sha),
    mime_type=st.none() | st.just("video/mp4"),
    mtime_ns=st.none() | st.just(5),
    first_sha256=st.none() | st.just(sha("first")),
    first_seconds=st.none() | st.just(7.25),
    media=st.none() | st.fixed_dictionaries({"width": st.integers(1, 4000), "duration": st.floats(0.1, 60)}),
)
_prompts = st.sampled_from(["one", "two"]) | TEXT
_params = st.dictionaries(st.sampled_from(["mode", "duration", "seed"]), TEXT | st.integers(0, 9), max_size=3)


@st.composite
def errors(draw: st.DrawFn, state: AttemptState) -> ApiError | None:
    """The error that an attempt in this state can have."""
    code, message, request_id = (
        draw(st.sampled_from(["generation_failed", "insufficient_credits", "odd"])),
        draw(TEXT),
        draw(st.none() | TEXT),
    )
    if state is AttemptState.REFUSED:
        return ApiError(code, message, request_id, draw(st.sampled_from([400, 402])))
    if state is AttemptState.FAILED:
        return ApiError(code, message)
    if state in UNDECIDED_STATES | {AttemptState.GIVEN_UP}:
        return ApiError("no_answer", message, request_id)
    return None


@st.composite
def attempts(draw: st.DrawFn, names: tuple[str, ...] = ("a", "b", "gone"), most_takes: int = 3) -> Attempt:
    """One attempt at a take of one of these shots."""
    state = draw(st.sampled_from(AttemptState))
    asked = shot(draw(st.sampled_from(names)), draw(_prompts), params=draw(_params))
    has_task = state in WITH_TASK
    take, number = draw(st.integers(1, most_takes)), draw(st.integers(1, 3))
    made = attempt(asked, take, state, number=number)
    files = draw(st.lists(outputs, min_size=1, max_size=2)) if state is AttemptState.STORED else []
    stored = [
        replace(one, path=f"{asked.id}/{asked.id}_t{take:02d}_{made.fingerprint[:8]}_{at}{one.path}")
        for at, one in enumerate(files)
    ]
    changes: dict[str, Any] = {
        "task_id": f"task_{sha(made.client_request_id)[:12]}" if has_task else None,
        "reserved_credits": draw(CREDITS) if has_task else None,
        "final_credits": draw(CREDITS) if has_task else None,
        "estimate": draw(CREDITS),
        "sent_at": draw(TIMES),
        "api_sent_at": draw(TIMES),
        "created_at": draw(TIMES) if has_task else None,
        "updated_at": draw(TIMES),
        "outputs": tuple(stored),
        "urls": tuple(output.url for output in stored if output.url),
        "error": draw(errors(state)),
        "parents": draw(st.sampled_from([(), (("key", 1, sha("key")),)])),
        "from_storyboards": draw(st.sampled_from([(), (("cast/cast.yaml", "mira", 2, sha("mira")),)])),
        "timeline": draw(st.sampled_from([(), (("queued", NOW), ("stored", NOW))])),
        "client": draw(st.none() | LABELS),
        "tags": tuple(draw(st.lists(LABELS, max_size=2))),
        "scene": draw(st.none() | LABELS),
    }
    if state is AttemptState.FINISHED:
        changes["timeline"] = (("queued", NOW), ("downloading", NOW))
    return replace(made, **changes)
