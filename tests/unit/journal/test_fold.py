"""The fold of the journal: any events in any order give a history, step by step the same as at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import NOW, attempt, history_of, shot
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import (
    Adopted,
    Created,
    Entry,
    Failed,
    FrameTaken,
    GivenUp,
    Intended,
    JournalEvent,
    LeftOpen,
    MarkedUnknown,
    Observed,
    Reassigned,
    Refused,
    Removed,
    RunStarted,
    Stored,
    Succeeded,
    TaskMissing,
    Uploaded,
    Withdrawn,
)
from rivya_run.journal.fold import LEAST, History

KEYS = st.sampled_from(["one", "two", "three"])
SHOTS = st.sampled_from(["a", "b"])
TAKES = st.integers(1, 2)
CREDITS = st.none() | st.integers(0, 90).map(float)
TASKS = st.sampled_from(["task_1", "task_2", "task_3"])
PATHS = st.sampled_from(["a/a_t01_x.mp4", "b/b_t01_x.mp4"])
TEXT = st.sampled_from(["x", "insufficient_credits"])

EVENTS: st.SearchStrategy[JournalEvent] = st.one_of(
    st.builds(
        RunStarted,
        program=TEXT,
        base_url=TEXT,
        storyboard_id=TEXT,
        storyboard_path=TEXT,
        storyboard_sha256=TEXT,
        pid=st.just(1),
    ),
    st.builds(
        Uploaded,
        sha256=TEXT,
        kind=TEXT,
        model=TEXT,
        path=TEXT,
        mime_type=st.none(),
        bytes=st.just(1),
        url=TEXT,
    ),
    st.builds(
        Intended,
        key=KEYS,
        shot=SHOTS,
        take=TAKES,
        fingerprint=TEXT,
        number=st.just(1),
        model=TEXT,
        body=st.just("{}"),
        estimate=CREDITS,
        price_key=st.none() | st.just("p"),
    ),
    st.builds(Withdrawn, key=KEYS, reason=TEXT),
    st.builds(LeftOpen, key=KEYS, code=TEXT, message=TEXT),
    st.builds(
        Refused,
        key=KEYS,
        code=TEXT,
        message=TEXT,
        request_id=st.none(),
        http_status=st.sampled_from([400, 402]),
    ),
    st.builds(Created, key=KEYS, task_id=TASKS, status=TEXT, reserved_credits=CREDITS, final_credits=CREDITS),
    st.builds(Observed, key=KEYS, status=TEXT, reserved_credits=CREDITS, final_credits=CREDITS),
    st.builds(
        Succeeded,
        key=KEYS,
        urls=st.lists(TEXT, max_size=2).map(tuple),
        reserved_credits=CREDITS,
        final_credits=CREDITS,
    ),
    st.builds(Failed, key=KEYS, code=TEXT, message=TEXT, reserved_credits=CREDITS, final_credits=CREDITS),
    st.builds(TaskMissing, key=KEYS, message=TEXT),
    st.builds(
        Stored,
        key=KEYS,
        index=st.integers(0, 1),
        of=st.integers(1, 2),
        path=PATHS,
        url=TEXT,
        bytes=st.just(1),
        sha256=TEXT,
        mime_type=st.none(),
    ),
    st.builds(Reassigned, key=KEYS, shot=SHOTS, take=TAKES, paths=st.dictionaries(PATHS, PATHS)),
    st.builds(MarkedUnknown, key=KEYS, code=TEXT, message=TEXT),
    st.builds(GivenUp, key=KEYS),
    st.builds(
        Adopted,
        key=KEYS,
        shot=SHOTS,
        take=TAKES,
        fingerprint=TEXT,
        number=st.just(1),
        model=TEXT,
        body=st.just("{}"),
        task_id=TASKS,
        status=TEXT,
        reserved_credits=CREDITS,
        final_credits=CREDITS,
    ),
    st.builds(Removed, key=KEYS, path=PATHS),
    st.builds(FrameTaken, key=KEYS, frame=TEXT, path=PATHS, sha256=TEXT, bytes=st.just(1)),
)


def entries(events: list[JournalEvent]) -> list[Entry]:
    """The events as the journal numbers them."""
    return [Entry(number, NOW, event) for number, event in enumerate(events, start=1)]


def history(*events: JournalEvent) -> History:
    """The history of some events."""
    return History(entries(list(events)))


def intended(key: str = "one", estimate: float | None = 10) -> Intended:
    """A create of shot a, take 1."""
    return Intended(
        key=key,
        shot="a",
        take=1,
        fingerprint="f",
        number=1,
        model="m",
        body="{}",
        estimate=estimate,
        price_key="p",
    )


@given(st.lists(EVENTS, max_size=30), st.integers(0, 30))
@settings(max_examples=3 * settings().max_examples)
def test_any_prefix_and_the_rest_give_what_all_give(events: list[JournalEvent], cut: int) -> None:
    """No order of events is too odd, and nothing depends on where a run ended."""
    at_once = History(entries(events))
    in_parts = History(entries(events)[:cut])
    for entry in entries(events)[cut:]:
        in_parts.apply(entry)
    assert in_parts.attempts == at_once.attempts
    assert in_parts.uploads == at_once.uploads
    assert in_parts.prices == at_once.prices
    assert in_parts.spent() == at_once.spent()


@given(st.lists(EVENTS, max_size=30))
@settings(max_examples=3 * settings().max_examples)
def test_sums_and_indexes_are_those_of_the_attempts(events: list[JournalEvent]) -> None:
    """Kept up to date one entry at a time, they never drift; what nobody knows the cost of counts as one credit."""
    found = History(entries(events))
    attempts = list(found.attempts.values())
    assert math.isclose(found.spent(), sum(one.spent for one in attempts), abs_tol=1e-6)
    unanswered = {AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.GIVEN_UP}
    at_stake = sum(
        max(
            one.at_stake,
            LEAST if one.price_unknown else 0,
            found.prices.get(one.price_key or "", 0)
            if one.task_id is None and one.state in unanswered
            else 0,
        )
        for one in attempts
    )
    assert math.isclose(found.at_stake(), at_stake, abs_tol=1e-6)
    assert found.at_stake() >= found.spent() - 1e-6
    by_take = [one for shot in ("a", "b") for take in (1, 2) for one in found.of_take(shot, take)]
    assert sorted(one.client_request_id for one in by_take) == sorted(found.attempts)
    for one in attempts:
        if one.task_id is not None:
            assert one.client_request_id in found.keys_of_task(one.task_id)


@given(st.lists(EVENTS, max_size=30))
def test_a_task_id_is_never_forgotten(events: list[JournalEvent]) -> None:
    """Whatever comes after a create was answered, the id stays with its key, until another task is adopted."""
    found = History()
    known: dict[str, str] = {}
    for entry in entries(events):
        found.apply(entry)
        if isinstance(entry.event, Intended):
            known.pop(
                entry.event.key, None
            )  # the same key again: only after a withdrawn one, see the planner
        for key, task_id in known.items():
            if not isinstance(entry.event, Created | Adopted):
                assert found.attempts[key].task_id == task_id
        known = {key: one.task_id for key, one in found.attempts.items() if one.task_id is not None}


def test_a_way_from_intent_to_file() -> None:
    """Sent, running, finished, stored; the price is learned, the final credits are what was spent."""
    steps: list[tuple[JournalEvent, AttemptState, float, float]] = [
        (intended(), AttemptState.SENT, 0, 10),
        (
            Created(key="one", task_id="task_1", status="queued", reserved_credits=30.0, final_credits=0.0),
            AttemptState.RUNNING,
            30,
            30,
        ),
        (
            Succeeded(key="one", urls=("https://r/1.mp4",), reserved_credits=30.0, final_credits=20.0),
            AttemptState.FINISHED,
            20,
            20,
        ),
        (
            Stored(key="one", index=0, of=1, path="a/x.mp4", url=None, bytes=1, sha256="s", mime_type=None),
            AttemptState.STORED,
            20,
            20,
        ),
    ]
    found = History()
    for number, (event, state, spent, at_stake) in enumerate(steps, start=1):
        found.apply(Entry(number, NOW, event))
        assert found.attempts["one"].state is state
        assert (found.spent(), found.at_stake()) == (spent, at_stake)
    assert found.prices == {"p": 30.0}


def test_an_answer_that_names_no_price_counts_by_its_estimate() -> None:
    """A cap can't be passed because the API said nothing."""
    found = history(intended(estimate=40), Created(key="one", task_id="task_1", status="queued"))
    assert found.at_stake() == 40


@pytest.mark.parametrize("reserved", [0.0, None])
def test_a_failed_task_that_shows_no_credits_teaches_no_price(reserved: float | None) -> None:
    """The empty wallet's reading of the lifecycle page."""
    found = history(
        intended(),
        Created(key="one", task_id="task_1", status="queued", reserved_credits=reserved, final_credits=0.0),
        Failed(
            key="one", code="insufficient_credits", message="no", reserved_credits=reserved, final_credits=0.0
        ),
    )
    assert found.prices == {}
    assert found.spent() == 0


def test_a_free_model_is_known_to_be_free_once_it_was() -> None:
    """A task that succeeded for nothing."""
    found = history(
        intended(),
        Created(key="one", task_id="task_1", status="queued", reserved_credits=0.0, final_credits=0.0),
        Succeeded(key="one", urls=("u",), reserved_credits=0.0, final_credits=0.0),
    )
    assert found.prices == {"p": 0}


def test_how_long_a_task_lasted_stays_known() -> None:
    """A renewed URL says nothing of it, and takes nothing away."""
    found = history(
        intended(),
        Created(key="one", task_id="task_1", status="queued"),
        Succeeded(
            key="one",
            urls=("u",),
            reserved_credits=10.0,
            final_credits=10.0,
            updated_at=None,
            task_seconds=42.5,
            running_seconds=30.0,
        ),
        Succeeded(key="one", urls=("v",)),
    )
    assert (found.attempts["one"].task_seconds, found.attempts["one"].running_seconds) == (42.5, 30.0)


def test_stills_follow_their_clip() -> None:
    """A renamed shot's stills are where its clips are."""
    found = history(
        intended(),
        Created(key="one", task_id="task_1", status="queued"),
        Succeeded(key="one", urls=("u",)),
        Stored(key="one", index=0, of=1, path="a/x.mp4", url=None, bytes=1, sha256="s", mime_type=None),
        FrameTaken(key="one", frame="last", path="a/x_last.png", sha256="s", bytes=1),
        Reassigned(key="one", shot="b", take=1, paths={"a/x.mp4": "b/x.mp4", "a/x_last.png": "b/x_last.png"}),
    )
    [output] = found.attempts["one"].outputs
    assert output.path == "b/x.mp4"
    assert output.media is not None
    assert output.media["frames"] == [{"frame": "last", "path": "b/x_last.png", "sha256": "s", "bytes": 1}]
    assert found.of_take("a", 1) == []


def test_a_withdrawn_create_keeps_its_reason_and_counts_for_nothing() -> None:
    """Why it never arrived is told to the person; the manifest's states are what they were."""
    asked = shot("a")
    made = attempt(asked, 1, AttemptState.SENT)
    sent = history_of(made)
    sent.apply(Entry(9, NOW, Withdrawn(key=made.client_request_id, reason="no connection")))
    known = sent.attempts[made.client_request_id]
    assert (known.state, known.withdrawn, known.error) == (AttemptState.WITHDRAWN, "no connection", None)
    assert known.at_stake == 0


def test_a_lost_create_counts_by_the_price_that_another_one_told() -> None:
    """Thought to cost 10; the API reserved 50 for the same: 50 are at stake, and its price is known now."""
    lost = Intended(
        key="lost",
        shot="a",
        take=1,
        fingerprint="f" * 64,
        number=1,
        model="m",
        body="{}",
        estimate=10.0,
        price_key="p",
    )
    other = Intended(
        key="other",
        shot="b",
        take=1,
        fingerprint="f" * 64,
        number=1,
        model="m",
        body="{}",
        estimate=10.0,
        price_key="p",
    )
    found = History([Entry(1, NOW, lost), Entry(2, NOW, other)])
    assert [one.client_request_id for one in found.unanswered_unpriced()] == ["lost", "other"]
    assert found.at_stake() == 20
    found.apply(Entry(3, NOW, Created(key="other", task_id="t", status="queued", reserved_credits=50.0)))
    assert found.unanswered_unpriced() == []
    assert found.at_stake() == 100


def test_the_checksum_of_the_first_bytes_stays() -> None:
    """The API served others when the file was fetched again, twice; and then the first ones once more."""
    events: list[JournalEvent] = [
        Intended(key="one", shot="a", take=1, fingerprint="f", number=1, model="m", body="{}"),
        Created(key="one", task_id="task_1", status="queued"),
    ]
    history = History(entries(events))
    for number, (sha256, first) in enumerate(
        [("s1", None), ("s2", "s1"), ("s3", "s1"), ("s1", None)], start=9
    ):
        history.apply(
            Entry(
                number,
                NOW,
                Stored(
                    key="one", index=0, of=1, path="a/x.mp4", url=None, bytes=1, sha256=sha256, mime_type=None
                ),
            )
        )
        [output] = history.attempts["one"].outputs
        assert (output.sha256, output.first_sha256, output.identity) == (sha256, first, "s1")


def test_nobody_waits_for_a_create_that_a_person_gave_up() -> None:
    """It may have cost something, so it stays at stake; but its answer was decided to be done without."""
    found = history(
        Intended(
            key="one",
            shot="a",
            take=1,
            fingerprint="f",
            number=1,
            model="m",
            body="{}",
            estimate=10.0,
            price_key="p",
        ),
        MarkedUnknown(key="one", code="no_answer", message=""),
    )
    assert [one.client_request_id for one in found.unanswered_unpriced()] == ["one"]
    found.apply(Entry(3, NOW, GivenUp(key="one")))
    assert found.unanswered_unpriced() == []
    assert found.at_stake() == 10
    found.apply(Entry(4, NOW, intended("two")))
    found.apply(Entry(5, NOW, Created(key="two", task_id="t", status="queued", reserved_credits=50.0)))
    assert found.at_stake() == 100  # by the price that is known now, like any other without an answer


def test_the_last_run_tells_address_and_storyboard() -> None:
    """Whoever finds the folder later learns from it where its tasks are, and of which text it was made."""
    runs = [
        RunStarted(
            program="rivya-run",
            base_url=f"https://{name}.example",
            storyboard_id="board",
            storyboard_path=f"{name}.yaml",
            storyboard_sha256=name,
            pid=1,
        )
        for name in ("old", "new")
    ]
    found = history(*runs)
    assert found.base_url == "https://new.example"
    assert (found.storyboard_path, found.storyboard_sha256) == ("new.yaml", "new")


def test_a_create_that_is_known_to_be_free_counts_for_nothing() -> None:
    """Only one whose cost nothing tells counts as one credit."""
    assert history(intended(estimate=0.0)).at_stake() == 0
    assert history(intended(estimate=None)).at_stake() == 1


@pytest.mark.parametrize("uploaded_at", [None, "2026-05-01T00:00:00.000Z"])
def test_an_upload_is_remembered_by_content_kind_and_model(uploaded_at: str | None) -> None:
    """With its address, and since when it is there, or is known to be."""
    found = history(
        Uploaded(
            sha256="a" * 64,
            kind="image",
            model="m",
            path="/refs/a.png",
            mime_type="image/png",
            bytes=3,
            url="https://media/up/1",
            uploaded_at=uploaded_at,
        )
    )
    upload = found.uploads["a" * 64, "image", "m"]
    assert (upload.url, upload.uploaded_at) == ("https://media/up/1", uploaded_at or NOW)


def test_an_adopted_task_is_known_by_shot_and_task() -> None:
    """Also one whose create was never on record."""
    event = Adopted(
        key="one",
        shot="a",
        take=2,
        fingerprint="f",
        number=1,
        model="m",
        body="{}",
        task_id="task_1",
        status="queued",
    )
    found = history(intended("other"), event)
    assert [one.client_request_id for one in found.of_shot("a")] == ["other", "one"]
    assert found.keys_of_task("task_1") == {"one"}


def test_attempts_of_a_take_stay_in_the_order_in_which_they_were_made() -> None:
    """Whatever is heard of them later, and in which order."""
    found = history(intended("one"), intended("two"), Withdrawn(key="one", reason="no connection"))
    assert [one.client_request_id for one in found.of_take("a", 1)] == ["one", "two"]


def test_a_create_of_no_kind_teaches_no_price() -> None:
    """Where it isn't known of which model and params it was, its price is nobody else's."""
    event = Intended(key="one", shot="a", take=1, fingerprint="f", number=1, model="m", body="{}")
    assert history(event, Created(key="one", task_id="t", status="queued", reserved_credits=5.0)).prices == {}


@pytest.mark.parametrize(
    ("ended", "at_stake"),
    [
        ([Withdrawn(key="one", reason="no connection")], 50),
        (
            [
                Created(key="one", task_id="t1", status="queued", reserved_credits=10.0),
                TaskMissing(key="one", message="No such task."),
                GivenUp(key="one"),
            ],
            60,
        ),
    ],
    ids=["never sent", "reserved by its own task"],
)
def test_a_price_that_another_one_told_is_for_creates_without_an_answer(
    ended: list[JournalEvent], at_stake: float
) -> None:
    """What never arrived costs nothing, and of a task the API has said itself what it reserved."""
    told = Created(key="two", task_id="t2", status="queued", reserved_credits=50.0)
    found = history(intended("one"), *ended, intended("two"), told)
    assert found.at_stake() == at_stake
    assert found.unanswered_unpriced() == []


def test_a_clip_without_credits_teaches_no_price_and_one_for_nothing_does() -> None:
    """Silence isn't zero; a clip that a colleague got for nothing shows that the model is free."""
    silent = history(
        intended(), Created(key="one", task_id="t", status="queued"), Succeeded(key="one", urls=("u",))
    )
    assert silent.prices == {}
    free = attempt(shot("a"), reserved_credits=0.0, final_credits=0.0)
    assert history_of(free).prices == {free.price_key: 0}
