"""For how long a create may be sent again, by clocks that go on, jump and stand still."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.engine.create import ResendWindow
from rivya_run.journal.events import Entry, Intended
from rivya_run.journal.fold import History
from rivya_run.times import Clocks, iso

KEY = "board.a.t1.0"
EPOCH = 1_778_500_000.0
SECONDS = 100.0


@dataclass
class Machine:
    """Seconds that have passed since the create was sent, by each clock; ``api`` None: the API's isn't heard."""

    wall: float = 0.0
    steady: float = 0.0
    monotonic: float = 0.0
    api: float | None = None

    def window(self) -> ResendWindow:
        """The window of a create that is on record, as a run finds it now."""
        intent = Intended(
            key=KEY,
            shot="a",
            take=1,
            fingerprint="f" * 64,
            number=1,
            model="m",
            body="{}",
            estimate=10,
            api_sent_at=iso(EPOCH),
        )
        history = History([Entry(1, iso(EPOCH), intent)])
        clocks = Clocks(lambda: self.monotonic, lambda: EPOCH + self.wall, lambda: self.steady)
        return ResendWindow(
            KEY, history, clocks, lambda: None if self.api is None else EPOCH + self.api, SECONDS
        )

    def wait(self, seconds: float) -> None:
        """All clocks go on."""
        self.wall += seconds
        self.steady += seconds
        self.monotonic += seconds
        if self.api is not None:
            self.api += seconds


def test_it_is_open_for_its_seconds_from_the_first_sending_on() -> None:
    """However late a run asks, and to the moment."""
    machine = Machine(wall=40.0)
    window = machine.window()
    assert window.left == pytest.approx(60.0) and not window.passed
    assert window.deadline == pytest.approx(60.0)
    machine.wait(59.0)
    assert not window.passed and window.deadline == pytest.approx(60.0)
    machine.wait(1.0)
    assert window.passed


def test_the_apis_clock_may_close_it_and_never_lengthens_it() -> None:
    """Of two ages the higher one counts."""
    assert Machine(wall=40.0, api=90.0).window().left == pytest.approx(10.0)
    assert Machine(wall=40.0, api=5.0).window().left == pytest.approx(60.0)


@pytest.mark.parametrize("machine", [Machine(wall=-61.0), Machine(wall=10.0, api=-61.0)])
def test_it_is_closed_where_no_clock_can_tell(machine: Machine) -> None:
    """The sending seems to lie in the future: nobody knows how old it is."""
    window = machine.window()
    assert window.age is None and window.left == 0.0 and window.passed


def test_it_closes_while_the_machine_sleeps_and_the_wall_clock_is_set_back() -> None:
    """The clock that nobody can set goes on."""
    machine = Machine(wall=10.0)
    window = machine.window()
    machine.steady += SECONDS - 11.0
    assert not window.passed
    machine.steady += 1.0
    assert window.passed


@given(
    waits=st.lists(st.floats(0, SECONDS), min_size=1, max_size=5),
    steps=st.lists(st.floats(-500, 500), min_size=5, max_size=5),
)
def test_no_setting_of_the_wall_clock_lengthens_it(waits: list[float], steps: list[float]) -> None:
    """Once its seconds have gone by it is closed, whatever the wall clock shows."""
    machine = Machine()
    window = machine.window()
    for seconds, step in zip(waits, steps, strict=False):
        machine.wait(seconds)
        machine.wall += step
    assert window.passed or machine.steady < SECONDS
