"""What the record of a file says that it didn't pass."""

from __future__ import annotations

from typing import Any

import pytest

from rivya_run.journal.attempt import Output, failed_checks


@pytest.mark.parametrize(
    ("media", "failed"),
    [
        (None, ()),
        ({"width": 64.0}, ()),
        ({"checks": []}, ()),
        ({"checks": [{"check": "frozen", "from": 2.5, "to": 5.0}, {"check": "short"}]}, ("frozen", "short")),
        (
            {"checks": [{"check": "black", "from": 0, "to": 2}, {"check": "black", "from": 3, "to": 5}]},
            ("black",),
        ),
        (
            {"checks": [{"check": "sharper-than"}, {"from": 1}, "black", None, {"check": 7}]},
            ("sharper-than",),
        ),
        ({"checks": {"check": "black"}}, ()),
    ],
)
def test_each_check_that_a_file_did_not_pass_is_named_once(media: Any, failed: tuple[str, ...]) -> None:
    """In the order of the record; what isn't a verdict is passed over, and so is a file that nobody looked into."""
    assert failed_checks(Output("s/a.mp4", None, 1, "0" * 64, None, media=media)) == failed
