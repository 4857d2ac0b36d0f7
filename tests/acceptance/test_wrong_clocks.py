"""A wall clock that is wrong, at a sending or later: no take is paid for twice, a person decides instead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from command_line import in_project
from fault_cases import board, statuses
from projects import Project
from rivya_run.engine.adopt import adopt
from rivya_run.project.plan import RunOptions
from rivya_run.simulator.faults import FaultPlan
from rivya_run.simulator.options import Phase
from simulation import KEY, hosted

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WRONG = [sign * much for much in (HOUR, DAY, 400 * DAY) for sign in (1, -1)]
KNOWN_FOR = HOUR
"""Seconds for which the API knows a key: as long as a run takes it to, unless it is told otherwise."""

pytestmark = pytest.mark.usefixtures("hasty")


@dataclass
class Clocks:
    """The true time, which the API has, and this machine's clock, which may be wrong."""

    passed: float = 0.0
    wrong_by: float = 0.0

    def true(self) -> float:
        """The API's."""
        return time.time() + self.passed

    def wall(self) -> float:
        """The machine's."""
        return self.true() + self.wrong_by


@dataclass(frozen=True)
class LostWhile(FaultPlan):
    """The reply to every create is lost for as long as ``on`` holds anything."""

    on: list[bool] = field(default_factory=lambda: [True])

    def pick(self, place: str, identity: str, turn: int, ordinal: int) -> str | None:
        """See ``FaultPlan``."""
        return "lost" if place == "create" and self.on else None


@dataclass
class Case(Project):
    """One take whose reply was lost, with clocks to set."""

    clocks: Clocks = field(default_factory=Clocks)
    losing: list[bool] = field(default_factory=list)

    def lose_a_reply(self, wrong_by: float = 0.0) -> None:
        """Send a create whose task exists, and of which nothing is heard."""
        self.clocks.wrong_by = wrong_by
        assert self.run(timeout=0.2).exit_code == 1
        assert (statuses(self), self.tasks()) == (["sent"], 1)
        self.losing.clear()

    def later(self, seconds: float, wrong_by: float = 0.0) -> None:
        """Let time pass in truth; the clock is wrong by so much then."""
        self.clocks.passed += seconds
        self.clocks.wrong_by = wrong_by


@contextmanager
def case(root: Path, text: str = board(1)) -> Iterator[Case]:
    """A project whose API forgets keys, and by whose clock it does."""
    clocks, faults = Clocks(), LostWhile()
    with hosted(clock=clocks.true, key_lifetime=KNOWN_FOR, faults=faults) as simulator:
        project = Case(root, simulator, clock=clocks.wall, clocks=clocks, losing=faults.on)
        project.write(text)
        yield project


def assert_left_to_a_person(project: Case) -> None:
    """Unknown in this run and in the next, with nothing sent and nothing paid again."""
    creates = project.simulator.traffic.counts["create"]
    for _ in range(2):
        assert project.run().exit_code == 6
        assert statuses(project) == ["unknown"]
        project.later(MINUTE)  # and with the right time
    assert project.simulator.traffic.counts["create"] == creates
    assert project.tasks() == 1


@pytest.mark.parametrize("wrong_by", WRONG)
@pytest.mark.parametrize("passed", [KNOWN_FOR + MINUTE, 2 * DAY])
def test_a_clock_that_is_wrong_when_the_next_run_begins(
    tmp_path: Path, passed: float, wrong_by: float
) -> None:
    """The window has passed in truth: whatever the clock shows, exit code 6 and one task."""
    with case(tmp_path) as project:
        project.lose_a_reply()
        project.later(passed, wrong_by)
        assert_left_to_a_person(project)


@pytest.mark.parametrize("wrong_by", WRONG)
@pytest.mark.parametrize("passed", [KNOWN_FOR + MINUTE, 2 * DAY])
def test_a_clock_that_was_wrong_at_the_sending(tmp_path: Path, passed: float, wrong_by: float) -> None:
    """It was set right since: the sending's own time says nothing any more."""
    with case(tmp_path) as project:
        project.lose_a_reply(wrong_by)
        project.later(passed)
        assert_left_to_a_person(project)


@pytest.mark.parametrize("wrong_by", WRONG)
def test_a_clock_that_jumps_in_the_middle_of_a_run(tmp_path: Path, wrong_by: float) -> None:
    """The reply is lost, and before the create is sent again the clock is another."""
    with case(tmp_path) as project:

        def jump(method: str, path: str, phase: Phase) -> None:
            if method == "POST" and phase == "decided":
                project.later(0, wrong_by)

        object.__setattr__(project.simulator.options, "on_request", jump)
        assert project.run(timeout=5).exit_code == 6
        assert statuses(project) == ["unknown"]
        assert project.simulator.traffic.counts["create"] == project.tasks() == 1


@pytest.mark.parametrize("step", [-59.0, -30.0, -5.0, -0.5])
def test_a_clock_that_is_stepped_back_by_less_than_a_minute(tmp_path: Path, step: float) -> None:
    """Time services do that: the same create is sent again, and nobody has to decide."""
    with case(tmp_path) as project:
        project.lose_a_reply()
        project.later(1.0, step)
        assert project.run().exit_code == 0
        assert (statuses(project), project.tasks()) == (["succeeded"], 1)


def test_a_small_step_back_lengthens_no_window(tmp_path: Path) -> None:
    """The last minute of the window is over in truth, and half of it is there by the clock."""
    with case(tmp_path) as project:
        project.lose_a_reply()
        project.later(KNOWN_FOR + 5, -30)
        assert_left_to_a_person(project)


@pytest.mark.parametrize("wrong_by", [-5 * MINUTE, 5 * MINUTE])
def test_a_clock_that_was_always_wrong_by_a_little_still_measures(tmp_path: Path, wrong_by: float) -> None:
    """A machine without a time service goes by its own clock, from one run to the next."""
    with case(tmp_path) as project:
        project.lose_a_reply(wrong_by)
        project.later(10 * MINUTE, wrong_by)
        assert project.run().exit_code == 0
        assert project.tasks() == 1


def test_a_journal_whose_clock_was_once_ahead_is_none_the_worse(tmp_path: Path) -> None:
    """What was sent after the clock was set right is as old as it says."""
    with case(tmp_path, board(1).replace("Shot 1", "Other")) as project:
        project.clocks.wrong_by = 400 * DAY
        project.losing.clear()
        assert project.run().exit_code == 0
        project.write(board(1))
        project.losing.append(True)
        project.clocks.wrong_by = 0
        assert project.run(timeout=0.2).exit_code == 1
        project.losing.clear()
        project.later(10 * MINUTE)
        assert project.run().exit_code == 0
        assert project.tasks() == 2


@pytest.mark.parametrize("wrong_by", [HOUR, -HOUR])
def test_a_colleagues_sending_is_doubted_like_ones_own(tmp_path: Path, wrong_by: float) -> None:
    """Their manifest was committed with their machine's time, and the API's."""
    with case(tmp_path / "theirs") as theirs:
        theirs.lose_a_reply(wrong_by)
        mine = Case(tmp_path / "mine", theirs.simulator, clock=theirs.clocks.wall, clocks=theirs.clocks)
        mine.write(board(1))
        (mine.root / "outputs/board").mkdir()
        (mine.root / "outputs/board/manifest.json").write_bytes(
            (theirs.folder() / "manifest.json").read_bytes()
        )
        mine.later(KNOWN_FOR + MINUTE)
        assert_left_to_a_person(mine)


@pytest.mark.parametrize("sent_at", ["null", '"2099-01-01T00:00:00.000Z"'])
def test_a_colleagues_sending_without_a_time_is_left_to_a_person(tmp_path: Path, sent_at: str) -> None:
    """Nothing tells whether the API still knows its key."""
    with case(tmp_path) as project:
        project.lose_a_reply()
        folder = project.folder()
        (folder / "journal.jsonl").unlink()
        manifest = (folder / "manifest.json").read_text()
        written = project.takes()["s01/1"]["sent_at"]
        (folder / "manifest.json").write_text(
            manifest.replace(f'"sent_at": "{written}"', f'"sent_at": {sent_at}')
        )
        assert project.takes()["s01/1"]["sent_at"] != written
        assert_left_to_a_person(project)


def test_the_person_is_told_and_both_ways_out_work(tmp_path: Path) -> None:
    """The clock is named as the reason; ``adopt`` brings the task in, ``--resend-unknown`` pays for another."""
    with case(tmp_path / "one") as project:
        project.lose_a_reply()
        project.later(2 * HOUR, -DAY)
        assert project.run().exit_code == 6
        assert "clock" in project.takes()["s01/1"]["error"]["message"]
        shown = in_project(project, project.path)
        assert shown.exit_code == 6
        assert "clock" in shown.stderr and "adopt" in shown.stderr
        [task] = project.simulator.state.tasks()
        environment = {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": project.simulator.base_url}
        adopt(project.path, "s01", 1, task.id, RunOptions(), environment=environment)
        assert project.run().exit_code == 0
        assert project.tasks() == 1
    with case(tmp_path / "other") as project:
        project.lose_a_reply()
        project.later(2 * HOUR, -DAY)
        assert project.run().exit_code == 6
        assert project.run(resend_unknown=True).exit_code == 0
        assert project.tasks() == 2


def test_an_upload_from_the_future_is_asked_for(tmp_path: Path) -> None:
    """By a clock that was set back it would be young for ever, though the API may have dropped the file."""
    text = """
        id: board
        shots:
          - {id: s01, prompt: PROMPT, references: pack.png}
    """
    with case(tmp_path) as project:
        project.losing.clear()
        project.reference("pack.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
        project.write(text)
        assert project.run().exit_code == 0
        project.write(text.replace("PROMPT", "Another"))
        project.later(2 * HOUR, -DAY)
        assert project.run().exit_code == 0
        assert project.simulator.traffic.counts["file"] == 1
