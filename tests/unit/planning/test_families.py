"""Families: what versions make, or made, of one shot in the file, as the records say."""

from __future__ import annotations

from dataclasses import replace

from examples import attempt, history_of, shot
from rivya_run.journal.attempt import AttemptState
from rivya_run.planning.families import Families
from rivya_run.planning.matching import Matching, Wanted
from rivya_run.storyboard.model import Shot

DIGEST = "f" * 64
WIDE = replace(shot("one-wide"), written="one", versions=("wide",))
TALL = replace(shot("one-tall"), written="one", versions=("tall",))
GONE = replace(attempt(shot("one-old"), digest=DIGEST), family="one")


def test_a_family_is_what_the_records_say() -> None:
    """Ids that are present, those of versions that are gone, the one from before; not what only looks alike."""
    before, stranger = attempt(shot("one"), digest=DIGEST), attempt(shot("one-hand"), digest=DIGEST)
    families = Families([WIDE, TALL], history_of(before, GONE, stranger))
    assert [families.of(name) for name in ("one-wide", "one", "one-old", "one-hand")] == [
        "one",
        "one",
        "one",
        "one-hand",
    ]
    assert [one.shot for one in families.attempts(WIDE)] == ["one", "one-old"]
    assert [one.shot for one in families.before(TALL)] == ["one", "one-old"]


def test_a_present_shot_s_id_is_its_own() -> None:
    """What was a version's id once and is a shot's now belongs to this shot."""
    own = Shot(**{name: getattr(shot("one-old"), name) for name in Shot.__slots__})
    assert Families([WIDE, own], history_of(GONE)).of("one-old") == "one-old"


def test_its_family_comes_before_strangers() -> None:
    """A version's take gets what another version made, even while that one waits for its parents."""
    families = Families([WIDE, TALL, shot("copy")], history_of(GONE))
    matching = Matching([GONE], families.of)
    wanted = [Wanted("copy", 1, DIGEST), Wanted("one-wide", 1, DIGEST)]
    matching.match(wanted, guarded={"one-tall"})
    assert matching.claims == {("one-wide", 1): GONE.client_request_id}


def test_what_a_family_has_is_kept_back_while_a_member_waits() -> None:
    """Nothing of it goes to a stranger, since the one that waits may turn out to want it."""
    families = Families([WIDE, TALL, shot("copy")], history_of(GONE))
    for guarded, claims in (({"one-tall"}, {}), (set[str](), {("copy", 1): GONE.client_request_id})):
        matching = Matching([GONE], families.of)
        matching.match([Wanted("copy", 1, DIGEST)], guarded=guarded)
        assert matching.claims == claims


def test_what_failed_in_a_family_is_found_take_by_take() -> None:
    """The own id first."""
    failed = [
        replace(attempt(shot(name), 1, AttemptState.FAILED, digest=DIGEST), family=family)
        for name, family in (("one-old", "one"), ("one-wide", "one"))
    ]
    families = Families([WIDE, TALL], history_of(*failed))
    assert [one.shot for one in families.of_take(WIDE, 1)] == ["one-wide", "one-old"]
    assert [one.shot for one in families.of_take(TALL, 1)] == ["one-old", "one-wide"]
