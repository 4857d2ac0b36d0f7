"""What a run came to and what to do next."""

from __future__ import annotations

from examples import NOW, attempt, board, child, history_of, planner, shot
from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState, Output, TakeStatus
from rivya_run.journal.events import Entry, Withdrawn
from rivya_run.journal.fold import History
from rivya_run.planning.next_commands import Typed
from rivya_run.storyboard.model import Shot
from rivya_run.views.summary import Ended, summary


def told(
    outcomes: dict[str, Outcome],
    *shots: Shot,
    attempts: tuple[Attempt, ...] = (),
    options: tuple[str, ...] = (),
    selection: tuple[str, ...] = (),
) -> str:
    """The summary of a run with these outcomes."""
    before = planner(board(*shots), History()).plan()
    ended = Ended(
        "board",
        Typed("my board.yaml", options, selection),
        "/out/board",
        before,
        {(name.split("/")[0], int(name.split("/")[1])): outcome for name, outcome in outcomes.items()},
        history_of(*attempts),
    )
    return "\n".join(summary([ended]))


def failed(message: str = "it failed") -> Outcome:
    return Outcome(Ending.FAILED, TakeStatus.FAILED, message, "generation_failed")


A = shot("a")
B = shot("b", takes=2)
DONE = Outcome(Ending.DONE, TakeStatus.SUCCEEDED)


def test_all_there_is_said_with_the_folder_what_it_cost_and_what_is_next() -> None:
    """Nothing to do: where the clips are, what was spent, what can be made of them."""
    text = told({"a/1": DONE}, A, attempts=(attempt(A),))
    assert text.splitlines() == [
        "board: 1 take, all there",
        "  clips: /out/board",
        "  spent: 10 credits, 10 credits in this run",
        "  next:",
        "    look at the takes: rivya-run report 'my board.yaml'",
        "    make the film: rivya-run export 'my board.yaml'",
    ]


def test_unknown_outcomes_come_first_with_key_time_cost_and_both_ways_out() -> None:
    """They may have been paid for: adopt the task, or say that it is to be paid again."""
    unknown = Outcome(Ending.UNKNOWN, TakeStatus.UNKNOWN, "no answer ever came", "no_answer")
    lost = attempt(B, 2, AttemptState.UNKNOWN)
    text = told({"a/1": failed(), "b/1": DONE, "b/2": unknown}, A, B, attempts=(lost,))
    assert text.index("unknown: these") < text.index("failed:")
    assert f"key {lost.client_request_id}, sent {lost.sent_at}, likely 10 credits" in text
    assert "rivya-run adopt 'my board.yaml' b TASK_ID --take 2" in text
    assert "rivya-run 'my board.yaml' --resend-unknown --only b" in text


def test_a_failed_take_that_the_next_run_makes_again_needs_no_option() -> None:
    """The same command again is enough."""
    tried = attempt(A, 1, AttemptState.FAILED, error=ApiError("generation_failed", "it failed"))
    text = told({"a/1": failed()}, A, attempts=(tried,))
    assert "    a/1  generation_failed: it failed" in text
    assert "    try again: rivya-run 'my board.yaml'" in text
    assert "--retry-failed" not in text


def test_a_charged_failure_is_only_paid_again_on_request() -> None:
    """The command that pays again is named."""
    tried = attempt(
        A, 1, AttemptState.FAILED, final_credits=10, error=ApiError("generation_failed", "it failed")
    )
    text = told({"a/1": failed()}, A, attempts=(tried,))
    assert "rivya-run 'my board.yaml' --retry-failed --only a" in text
    assert "try again: rivya-run 'my board.yaml'\n" not in text


def test_out_of_credits_says_what_to_add_or_raise() -> None:
    """An empty wallet and a budget are different things."""
    wallet = Outcome(Ending.OUT_OF_CREDITS, TakeStatus.PLANNED, "the wallet is empty")
    budget = Outcome(Ending.OUT_OF_CREDITS, TakeStatus.PLANNED, "--max-credits is 3: 0 spent", "budget")
    assert "add credits at Rivya, then: rivya-run" in told({"a/1": wallet}, A)
    assert "raise the limit, then: rivya-run" in told({"a/1": budget}, A)


def test_a_proposed_command_never_makes_more_than_was_asked_for() -> None:
    """Selections and output folders are typed again."""
    text = told({}, A, options=("--simulate",), selection=("--only", "a*"))
    assert "continue: rivya-run 'my board.yaml' --only 'a*' --simulate" in text


def test_a_thousand_takes_do_not_make_a_thousand_lines() -> None:
    """Some are named, the others counted; one reason for all is said once."""
    shots = [shot(f"s{number:04d}") for number in range(1000)]
    each = told({f"{one.id}/1": failed(f"reason {one.id}") for one in shots}, *shots)
    assert "and 992 more: rivya-run status 'my board.yaml'" in each
    same = told({f"{one.id}/1": failed() for one in shots}, *shots)
    assert "    1,000 takes: generation_failed: it failed" in same
    assert len(each.splitlines()) < 20


def test_messages_of_servers_can_not_steer_the_terminal() -> None:
    """Control characters are made visible."""
    assert "\x1b" not in told({"a/1": failed("\x1b]0;title\x07")}, A)


def test_a_create_that_never_arrived_says_what_came_instead() -> None:
    """The journal knows the reason; nobody has to run again with -v for it."""
    sent = attempt(A, 1, AttemptState.SENT)
    known = history_of(sent)
    known.apply(Entry(2, NOW, Withdrawn(key=sent.client_request_id, reason="HTTP 503: switched off")))
    unfinished = Outcome(Ending.UNFINISHED, TakeStatus.PLANNED, "its create never arrived")
    before = planner(board(A), History()).plan()
    ended = Ended("board", Typed("b.yaml"), "/out", before, {("a", 1): unfinished}, known)
    assert "its create never arrived: HTTP 503: switched off" in "\n".join(summary([ended]))


def test_what_is_made_from_a_take_that_met_the_budget_has_not_failed() -> None:
    """It waits for the same credits, and so do those after it; trying again alone would not help."""
    over = Outcome(Ending.OUT_OF_CREDITS, TakeStatus.PLANNED, "budget.max_credits is 5: 0 spent", "budget")
    blocked = Outcome(Ending.FAILED, TakeStatus.PLANNED, "parent a/1: budget.max_credits is 5: 0 spent")
    text = told({"a/1": over, "c/1": blocked, "d/1": blocked}, A, child("c", "a"), child("d", "c"))
    assert text.startswith("board: 3 takes: 3 not made: out of credits")
    assert "failed" not in text


def test_takes_with_warnings_are_counted_and_named() -> None:
    """With the measured figure."""
    output = Output("a/a.mp4", None, 3, "0" * 64, "video/mp4", media={"duration": 3.0, "frame_rate": 30.0})
    text = told({"a/1": DONE}, A, attempts=(attempt(A, outputs=(output,)),))
    assert "  1 take with warnings:\n    a/1  3 s instead of the 6 s asked for\n" in text
    assert "    look at 1 take with warnings: rivya-run status 'my board.yaml'" in text
    assert "warnings" not in told({"a/1": DONE}, A, attempts=(attempt(A),))
