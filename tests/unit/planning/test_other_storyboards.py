"""Which file of another storyboard a shot is made from: what is there keeps its own, the rest goes by the choice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, digest_of, file_facts, history_of, planner, sha, shot, steps
from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.planning.other_storyboards import BoardChoice, BoardFile
from rivya_run.planning.plan import SPENDING, Action, BoardTake, SkipReason, Step
from rivya_run.storyboard.model import BoardReference, Shot

CAST = "cast/cast.yaml"
FILES = ("red", "blue", "green")
STATES = [
    AttemptState.STORED,
    AttemptState.RUNNING,
    AttemptState.SENT,
    AttemptState.FAILED,
    AttemptState.WITHDRAWN,
]


def made_from(name: str, prompt: str, *, take: int | None = None, takes: int = 1) -> Shot:
    """A shot that is made from the sheet of the cast."""
    reference = BoardReference("../cast/cast.yaml", "sheet", 1, 1, "", take)
    return shot(name, prompt, references=(reference,), takes=takes)


def of(file: str, take: int = 1) -> BoardTake:
    """A take of the sheet that has this content."""
    return BoardTake(CAST, "sheet", take, sha(file))


def made(
    asked: Shot, file: str, number: int = 1, state: AttemptState = AttemptState.STORED, hour: int = 0
) -> Attempt:
    """An attempt at the shot that was made from a file."""
    one = attempt(
        asked,
        state=state,
        number=number,
        digest=digest_of(asked, boards=[of(file)]),
        from_storyboards=((CAST, "sheet", 1, sha(file)),),
    )
    return replace(one, sent_at=f"2026-05-11T{hour:02d}:00:00.000Z")


def choice(file: str | None, *, there: tuple[str, ...] = FILES) -> BoardChoice:
    """What the cast chooses now; None: it has nothing."""
    files = {sha(one): BoardFile(file_facts(one)) for one in there}
    if file is None:
        return BoardChoice(CAST, lacking="not there yet", files=files)
    return BoardChoice(CAST, of(file), None if file in there else "its file is gone", files=files)


def plan(asked: Shot, chosen: BoardChoice, *known: Attempt) -> dict[str, Step]:
    """The plan of a storyboard with this shot."""
    [reference] = asked.references
    assert isinstance(reference, BoardReference)
    key = (reference.storyboard, reference.shot, reference.take)
    return steps(planner(board(asked), history_of(*known), choices={key: chosen}).plan())


@st.composite
def histories(draw: st.DrawFn) -> list[Attempt]:
    """What a shot was made from, one after the other, under one prompt or another."""
    found: dict[str, Attempt] = {}
    for hour in range(draw(st.integers(0, 4))):
        asked = made_from("sh", draw(st.sampled_from(["A", "B"])))
        one = made(asked, draw(st.sampled_from(FILES)), hour + 1, draw(st.sampled_from(STATES)), hour)
        found[one.client_request_id] = one
    return list(found.values())


@settings(max_examples=150)
@given(histories(), st.none() | st.sampled_from(FILES), st.sets(st.sampled_from(FILES)))
def test_what_is_there_keeps_what_it_was_made_from(
    known: list[Attempt], chosen: str | None, there: set[str]
) -> None:
    """Whatever is chosen now, and whatever has become of the files: nothing is made anew."""
    asked = made_from("sh", "A")
    step = plan(asked, choice(chosen, there=tuple(there)), *known)["sh/1"]
    fitting = [
        one for one in known if one.body and '"prompt":"A"' in one.body and one.state in CLAIMABLE_STATES
    ]
    if fitting:
        newest = max(fitting, key=lambda one: one.sent_at or "")
        assert step.fingerprint == newest.fingerprint
        assert step.action not in SPENDING and step.action is not Action.SKIP
        assert [one.sha256 for one in step.boards] == [newest.from_storyboards[0][3]]
    elif chosen is None or chosen not in there:
        assert step.skip_reason is SkipReason.BLOCKED
    elif step.action in SPENDING:
        assert step.fingerprint == digest_of(asked, boards=[of(chosen)])


@settings(max_examples=100)
@given(histories(), st.sampled_from(FILES))
def test_a_written_take_decides(known: list[Attempt], chosen: str) -> None:
    """Only what was made from exactly that file serves."""
    asked = made_from("sh", "A", take=1)
    step = plan(asked, choice(chosen), *known)["sh/1"]
    assert step.fingerprint == digest_of(asked, boards=[of(chosen)])


def test_a_written_take_that_is_not_there_keeps_what_was_made_from_that_take() -> None:
    """The other storyboard may be gone; the record says which take it was."""
    asked = made_from("sh", "A", take=1)
    assert plan(asked, choice(None), made(asked, "red"))["sh/1"].action is Action.REUSE
    other = made_from("sh", "A", take=2)
    assert plan(other, choice(None), made(asked, "red"))["sh/1"].skip_reason is SkipReason.BLOCKED


def test_another_shot_that_is_named_is_another_picture() -> None:
    """A record keeps nothing for a reference that names something else."""
    asked = made_from("sh", "A")
    [reference] = asked.references
    assert isinstance(reference, BoardReference)
    other = replace(asked, references=(replace(reference, shot="joe"),))
    chosen = BoardChoice(
        CAST, BoardTake(CAST, "joe", 1, sha("joe")), files={sha("joe"): BoardFile(file_facts("joe"))}
    )
    step = plan(other, chosen, made(asked, "red"))["sh/1"]
    assert (step.action, step.reason) == (Action.CREATE, "references 0 -> 1; sheet -> cast/cast.yaml joe/1")


def test_who_chose_what_is_told_once_for_all_shots() -> None:
    """With the number of shots, and not for those that are to be made."""
    first, second = made_from("one", "A"), made_from("two", "B")
    third = made_from("three", "C")
    key = ("../cast/cast.yaml", "sheet", None)
    known = history_of(made(first, "red"), made(second, "red"))
    found = planner(board(first, second, third), known, choices={key: choice("blue")}).plan()
    assert found.other_choices == (("../cast/cast.yaml", "sheet", 2),)
    assert [step.action for step in found.steps] == [Action.REUSE, Action.REUSE, Action.CREATE]


def test_what_is_still_being_made_is_waited_for() -> None:
    """Until then there is no fingerprint, and what the shot has is given to no other."""
    asked = made_from("sh", "A")
    coming = BoardChoice(CAST, BoardTake(CAST, "sheet", 1), coming=True)
    step = plan(asked, coming)["sh/1"]
    assert (step.action, step.fingerprint, step.waits) == (Action.CREATE, None, True)
    assert [one.label for one in step.boards] == ["cast/cast.yaml sheet/1"]
    key = ("../cast/cast.yaml", "sheet", None)
    renamed = made_from("new", "A")
    old = made(asked, "red")
    plans = planner(board(asked, renamed), history_of(old), choices={key: coming})
    assert steps(plans.plan())["sh/1"].action is Action.REUSE


def test_a_written_take_that_is_being_made_again_is_waited_for() -> None:
    """Whether it becomes another one isn't known yet; where its file is only fetched again, it is."""
    asked = made_from("sh", "A", take=1)
    coming = BoardChoice(CAST, BoardTake(CAST, "sheet", 1), coming=True)
    assert plan(asked, coming, made(asked, "red"))["sh/1"].fingerprint is None
    fetched = BoardChoice(CAST, of("red"), coming=True)
    assert plan(asked, fetched, made(asked, "red"))["sh/1"].action is Action.REUSE
