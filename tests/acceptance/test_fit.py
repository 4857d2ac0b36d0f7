"""A shot as long as its narration: ``{fit: SHOT, pad: S}`` as the value of a parameter, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import boards
from command_line import in_project
from projects import Project
from rivya_run.cli.instant import answer
from rivya_run.planning.plan import Action
from rivya_run.simulator.faults import FaultPlan, Rule
from rivya_run.simulator.render_cache import Content, RenderCache
from rivya_run.simulator.tasks import SimulatedTask
from simulation import hosted

SECOND = 15
"""Characters that the simulator's voices say in a second."""


def words(seconds: float) -> str:
    """A text that takes so long to say."""
    return "a" * round(seconds * SECOND)


def voice(seconds: float, shot: str = "vo010", more: str = "") -> str:
    """A shot of speech."""
    return f"  - {{id: {shot}, model: elevenlabs-turbo-2-5, prompt: {words(seconds)}{more}}}\n"


def fit(pad: float = 0.5, shot: str = "sh010", sound: str = "vo010", more: str = "") -> str:
    """A clip as long as a sound."""
    return f"  - {{id: {shot}, prompt: On set, params: {{duration: {{fit: {sound}, pad: {pad}}}}}{more}}}\n"


def board(*shots: str) -> str:
    """A storyboard of these shots."""
    return "id: narrated\nshots:\n" + "".join(shots)


def bodies(project: Project, shot: str = "sh010") -> list[Any]:
    """The bodies of the creates of a shot that were sent, in order."""
    lines = (project.folder() / "journal.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return [json.loads(e["body"]) for e in events if e["event"] == "intended" and e["shot"] == shot]


def durations(project: Project, shot: str = "sh010") -> list[Any]:
    """The lengths that were asked for."""
    return [body["params"]["duration"] for body in bodies(project, shot)]


def asked_of(project: Project, shot: str = "sh010") -> list[Any]:
    """The lengths of what serves a shot's takes."""
    takes = project.takes()
    return [
        take["request"]["params"]["duration"] for name, take in takes.items() if name.startswith(f"{shot}/")
    ]


def test_the_smallest_value_that_is_long_enough_is_sent(project: Project) -> None:
    """A sound of 7.3 s and half a second of pad, in steps of 1: 8 in the body. The rerun sends nothing."""
    project.write(board(voice(7.3), fit()))
    assert project.run().exit_code == 0
    assert (project.tasks(), durations(project)) == (2, [8])
    assert project.run().exit_code == 0
    assert project.tasks() == 2


def test_the_clip_waits_for_its_sound(project: Project) -> None:
    """Whatever the order in the file, the sound is made first; the clip says what it waits for."""
    project.write(board(fit(), voice(7.3)))
    step = project.steps()["sh010/1"]
    assert (step.action, step.fingerprint) == (Action.CREATE, None)
    assert step.reason == "new shot; duration 8 is an estimate until vo010 is there"
    assert [parent.label for parent in step.needs] == ["vo010/1"]
    assert project.run().exit_code == 0
    assert [task.model for task in project.simulator.state.tasks()] == [
        "elevenlabs-turbo-2-5",
        "grok-imagine-video",
    ]


def test_it_is_as_if_the_number_had_been_written(project: Project) -> None:
    """The number written, then the fit that comes to it, and back: nothing is paid for again."""
    number = "  - {id: sh010, prompt: On set, params: {duration: 8}}\n"
    project.write(board(voice(7.3), number))
    project.run()
    [written] = bodies(project)
    project.write(board(voice(7.3), fit()))
    assert project.run().exit_code == 0
    assert project.tasks() == 2
    assert project.takes()["sh010/1"]["client_request_id"] == written["client_request_id"]
    project.write(board(voice(7.3), number))
    assert project.run().exit_code == 0
    assert project.tasks() == 2


def test_the_request_is_the_same_to_the_byte(project: Project, tmp_path: Path) -> None:
    """Parameters stand in the order of the table, whether a value was written or follows a sound."""
    project.write(board(voice(7.3), fit(more=", takes: 2")))
    project.run()
    other = Project(tmp_path / "other", project.simulator)
    other.write(board(voice(7.3), "  - {id: sh010, prompt: On set, takes: 2, params: {duration: 8}}\n"))
    other.run()
    assert [json.dumps(one) for one in bodies(project)] == [json.dumps(one) for one in bodies(other)]


def test_a_sound_that_still_fits_makes_nothing_anew(project: Project) -> None:
    """Spoken again, shorter or a little longer: the clip that is there serves, though a smaller value would do."""
    project.write(board(voice(7.3), fit()))
    project.run()
    project.write(board(voice(7.5), fit()))
    assert project.run().exit_code == 0
    project.write(board(voice(6.1), fit()))
    assert project.run().exit_code == 0
    assert (project.tasks(), durations(project)) == (4, [8])
    assert project.steps()["sh010/1"].action is Action.REUSE


def test_pad_within_the_same_step_costs_nothing(project: Project) -> None:
    """More pad, less pad, no pad: paid for only when the clip is too short."""
    project.write(board(voice(7.3), fit()))
    project.run()
    for pad in (0, 0.6, 0.1):
        project.write(board(voice(7.3), fit(pad)))
        assert project.run().exit_code == 0
    assert durations(project) == [8]
    project.write(board(voice(7.3), fit(0.9)))
    project.run()
    assert durations(project) == [8, 9]


def test_only_what_became_too_short_is_made_anew_and_the_plan_says_why(project: Project) -> None:
    """Two clips follow one sound: the one with much room stays. Afterwards the longer ones serve."""
    project.write(board(voice(7.3), fit(), fit(4, "sh020")))
    project.run()
    assert project.tasks() == 3
    project.write(board(voice(9.2), fit(), fit(4, "sh020")))
    project.run(only=("vo010",))
    steps = project.steps()
    assert (steps["sh010/1"].action, steps["sh010/1"].reason) == (Action.CREATE, "vo010 lasts 9.2 s now")
    assert steps["sh020/1"].action is Action.CREATE
    project.write(board(voice(9.2), fit(), fit(2, "sh020")))
    assert project.steps()["sh020/1"].action is Action.REUSE
    project.run()
    assert (project.tasks(), durations(project), durations(project, "sh020")) == (5, [8, 10], [12])


def test_a_sound_picked_anew_makes_only_what_is_too_short(project: Project) -> None:
    """Takes of one sound are as long as each other here, so that a pick changes nothing."""
    project.write(board(voice(7.3, more=", takes: 2"), fit()))
    project.run()
    project.write(board(voice(7.3, more=", takes: 2, pick: 2"), fit()))
    assert project.run().exit_code == 0
    assert project.tasks() == 3


def test_two_takes(project: Project) -> None:
    """Each take is served by its own, then by what else the shot has; only then is the smallest value created."""
    project.write(board(voice(7.3), fit(more=", takes: 2")))
    project.run()
    assert durations(project) == [8, 8]
    project.write(board(voice(9.2), fit(more=", takes: 2")))
    project.run()
    assert durations(project) == [8, 8, 10, 10]
    project.write(board(voice(7.3), fit(more=", takes: 3")))
    assert project.run().exit_code == 0
    assert durations(project) == [8, 8, 10, 10]
    assert asked_of(project) == [8, 8, 10]
    project.write(board(voice(7.3), fit(more=", takes: 5")))
    assert project.run().exit_code == 0
    assert durations(project) == [8, 8, 10, 10, 8]
    assert sorted(asked_of(project)) == [8, 8, 8, 10, 10]


def test_a_chain(project: Project) -> None:
    """Sound, clip as long as it, its last frame, another clip: 3 tasks, and the rerun none."""
    child = "  - {id: sh020, prompt: On, references: [{shot: sh010, frame: last}]}\n"
    project.write(board(child, fit(), voice(7.3)))
    assert project.run().exit_code == 0
    assert (project.tasks(), durations(project)) == (3, [8])
    [request] = bodies(project, "sh020")
    assert len(request["params"]["referenceMediaItems"]) == 1
    assert project.takes()["sh010/1"]["parents"] == []
    assert project.run().exit_code == 0
    assert project.tasks() == 3


def test_what_is_too_long_for_the_model_is_blocked_before_it_is_paid_for(project: Project) -> None:
    """Nothing of it and of what is made from it is created, the rest goes on, exit 1."""
    child = "  - {id: sh020, prompt: On, references: [{shot: sh010, frame: last}]}\n"
    other = "  - {id: sh030, prompt: Elsewhere}\n"
    project.write(board(voice(31), fit(), child, other))
    result = project.run()
    assert result.exit_code == 1
    outcomes = result.boards[0].outcomes
    why = "vo010 lasts 31 s and 0.5 s of pad; grok-imagine-video takes at most 30 for duration"
    assert outcomes["sh010", 1].message == why
    assert outcomes["sh020", 1].message == f"parent sh010/1: {why}"
    assert project.tasks() == 2
    assert project.steps()["sh010/1"].reason == why
    assert project.run().exit_code == 1
    assert project.tasks() == 2


def test_a_sound_that_fails_blocks_its_clip_unpaid(tmp_path: Path) -> None:
    """As with a parent: nothing is paid, and the next run makes both."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.vo010.*.a1"),))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(voice(7.3), fit()))
        result = project.run()
        assert result.exit_code == 1
        assert result.boards[0].outcomes["sh010", 1].message.startswith("parent vo010/1: ")
        assert project.tasks() == 1
        assert project.run().exit_code == 0
        assert durations(project) == [8]


def test_only_brings_the_sound_of_a_clip_along(project: Project) -> None:
    """The clip is as long as the sound, which is made first."""
    project.write(board(voice(7.3), fit()))
    assert project.run(only=("sh010",)).exit_code == 0
    assert durations(project) == [8]


def test_failures_count_over_all_values(tmp_path: Path) -> None:
    """Three attempts at a take, whatever lengths they asked for; then only --retry-failed goes on."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.sh010.*"),))) as simulator:
        project = Project(tmp_path, simulator)
        for seconds in (7.3, 9.2, 11.2, 13.2):
            project.write(board(voice(seconds), fit()))
            assert project.run().exit_code == 1
        assert durations(project) == [8, 10, 12]
        assert "3 attempts failed; --retry-failed" in project.steps()["sh010/1"].reason
        project.run(retry_failed=True)
        assert durations(project) == [8, 10, 12, 14]


def test_failures_of_one_run_count_over_all_values(tmp_path: Path) -> None:
    """--attempts doesn't go beyond three either."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.sh010.*"),))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(voice(7.3), fit()))
        project.run(attempts=2)
        project.write(board(voice(9.2), fit()))
        project.run(attempts=5)
        assert durations(project) == [8, 8, 10]


@pytest.mark.usefixtures("hasty")
def test_a_create_without_an_answer_keeps_its_body(tmp_path: Path) -> None:
    """The sound is spoken again meanwhile: the same bytes are sent again, and serve as what is long enough."""
    lost = Rule("create-lost", "*.sh010.*.a1", turns=tuple(range(1, 40)))
    with hosted(faults=FaultPlan(rules=(lost,))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(voice(7.3), fit()))
        assert project.run(timeout=0.4).exit_code == 1
        project.write(board(voice(6.3), fit()))
        assert (
            project.steps()["sh010/1"].action is Action.CREATE
        )  # as far as a plan without the sound can say
        for _ in range(20):
            if project.run(timeout=0.4).exit_code == 0:
                break
        assert durations(project) == [8]
        [key] = [key for key in simulator.state.bodies_by_key() if ".sh010." in key]
        assert len(simulator.state.bodies_by_key()[key]) == 1
        assert project.tasks() == 3


@pytest.mark.usefixtures("hasty")
def test_an_unknown_clip_that_is_long_enough_serves(tmp_path: Path) -> None:
    """The sound gets shorter: nothing is paid for beside it, a person decides. --resend-unknown buys the smallest."""
    lost = Rule("create-lost", "*.sh010.*.a1")
    with hosted(faults=FaultPlan(rules=(lost,))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(voice(7.3), fit()))
        project.run(timeout=0.4)
        assert project.run(idempotency_window=0.1).exit_code == 6
        project.write(board(voice(6.3), fit()))
        assert project.run(timeout=2).exit_code == 6
        assert durations(project) == [8]
        assert project.run(resend_unknown=True, timeout=0.4).exit_code == 1
        assert durations(project) == [8, 7]


def test_a_renamed_clip_is_found_by_what_it_asked_for(project: Project) -> None:
    """Renamed while the sound got shorter: its clip follows it, nothing is paid for again."""
    project.write(board(voice(8.2), fit()))
    project.run()
    assert durations(project) == [9]
    project.write(board(voice(7.3), fit(shot="opening")))
    assert project.run().exit_code == 0
    assert project.tasks() == 3
    assert project.steps()["opening/1"].action is Action.REUSE


def test_what_the_clip_has_is_kept_from_others_until_the_sound_is_there(project: Project) -> None:
    """While the sound is made anew, a shot that asks for the same as the clip gets one of its own."""
    project.write(board(voice(7.3), fit()))
    project.run()
    same = "  - {id: aa, prompt: On set, params: {duration: 8}}\n"
    project.write(board(same, voice(7.5), fit()))
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    assert durations(project, "aa") == [8]
    assert durations(project) == [8]


def test_a_sound_that_comes_is_waited_for_though_a_later_take_is_there(tmp_path: Path) -> None:
    """The film has the lowest take in the end, so its length counts, not that of the one which is there by chance."""
    rules = (Rule("task-failed", subject="*.vo010.t1.*.a1"),)
    with hosted(faults=FaultPlan(rules=rules)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(voice(7.3, more=", takes: 2")))
        assert project.run().exit_code == 1
        project.write(board(voice(7.3, more=", takes: 2"), fit()))
        assert [parent.label for parent in project.steps()["sh010/1"].needs] == ["vo010/1"]
        assert project.run().exit_code == 0


@pytest.mark.parametrize("codec", [("voice.wav", "pcm_s16le"), ("voice.flac", "flac")])
def test_a_file_of_one_s_own_and_an_entry_of_sound(project: Project, codec: tuple[str, str]) -> None:
    """A recorded voice as a shot, or as a sound of the film: measured when the storyboard is opened."""
    name, kind = codec
    boards.sound(project.root / name, kind, 7.3)
    own = f"  - {{id: vo, file: {name}}}\n"
    project.write(
        f"id: narrated\nsound: [{{id: music, file: {name}}}]\nshots:\n"
        + own
        + fit(sound="vo")
        + fit(1, "sh020", "music")
    )
    assert project.steps()["sh010/1"].fingerprint is not None
    assert project.run().exit_code == 0
    assert (durations(project), durations(project, "sh020")) == ([8], [9])
    boards.sound(project.root / name, kind, 7.6)
    assert project.steps()["sh020/1"].action is Action.REUSE
    boards.sound(project.root / name, kind, 9.2)
    assert project.steps()["sh010/1"].reason == "vo lasts 9.2 s now"


def test_trim_of_the_sound_doesn_t_count(project: Project) -> None:
    """The length is the whole file's: what the film cuts off may be put back."""
    project.write(board(voice(7.3, more=", trim: [0, 2]"), fit()))
    project.run()
    assert durations(project) == [8]


def test_the_plan_in_json(project: Project) -> None:
    """What it needs, what it is thought to cost, and how long the film will be."""
    project.write(board(voice(7.3), fit()))
    plan = json.loads(in_project(project, "plan", project.path, "--json").stdout)
    assert [step["needs"] for step in plan["steps"]] == [[], ["vo010/1"]]
    assert plan["steps"][1]["client_request_id"] is None
    assert plan["steps"][1]["reason"] == "new shot; duration 8 is an estimate until vo010 is there"
    [film] = plan["films"]
    assert (film["seconds"], film["estimated"]) == (8, True)
    project.run()
    plan = json.loads(in_project(project, "plan", project.path, "--json").stdout)
    assert [step["action"] for step in plan["steps"]] == ["reuse", "reuse"]


def test_a_simulated_run(project: Project) -> None:
    """--simulate speaks 15 characters a second, and the clips follow."""
    project.write(board(voice(7.3), fit()))
    done = in_project(project, "run", project.path, "--simulate", "--progress", "none")
    assert done.exit_code == 0
    manifest = json.loads((project.root / "outputs/narrated.simulated/manifest.json").read_text())
    assert manifest["shots"][1]["takes"][0]["request"]["params"]["duration"] == 8


@pytest.mark.parametrize(("most", "made", "code"), [(33, [], 5), (34, [12], 0)])
def test_a_cap_is_asked_for_the_value_that_is_sent(
    tmp_path: Path, most: int, made: list[int], code: int
) -> None:
    """Each second costs a credit here, as the API has told: 21 were spent, 1 is for the sound, 12 for the clip."""
    with hosted(price=lambda _, params: float(str(params.get("duration", 1)))) as simulator:
        project = Project(tmp_path, simulator)
        known = "".join(f"  - {{id: s{n}, prompt: A, params: {{duration: {n}}}}}\n" for n in (8, 12))
        project.write(board(known, voice(1, "vo000")))
        project.run()
        clip = board(known, voice(1, "vo000"), voice(11.2), fit())
        project.write(f"{clip}budget: {{max_credits: {most}}}\n")
        step = project.steps()["sh010/1"]
        assert (step.credits, step.credits_basis) == (12, "observed")
        assert project.run().exit_code == code
        assert durations(project) == made


def test_the_instant_answer_looks_at_the_sound(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded voice that was exchanged is measured again, though nothing else changed."""
    monkeypatch.setattr("rivya_run.cli.rerun_cache.TICK", -(10**12))  # files made just now count as old
    boards.sound(project.root / "vo.wav", "pcm_s16le", 7.3)
    project.write(board("  - {id: vo, file: vo.wav, film: false}\n", fit(sound="vo")))
    for _ in range(2):
        assert in_project(project, project.path).exit_code == 0
    environment = {"RIVYA_BASE_URL": project.simulator.base_url}
    assert answer([str(project.path)], environment) is not None
    boards.sound(project.root / "vo.wav", "pcm_s16le", 9.2)
    assert answer([str(project.path)], environment) is None
    assert in_project(project, project.path).exit_code == 0
    assert durations(project) == [8, 10]


def test_a_saved_plan_holds_the_sound(project: Project) -> None:
    """A plan that was made by another recording isn't carried out."""
    boards.sound(project.root / "vo.wav", "pcm_s16le", 7.3)
    project.write(board("  - {id: vo, file: vo.wav}\n", fit(sound="vo")))
    saved = project.root / "plan.json"
    assert in_project(project, "plan", project.path, "--out", saved).exit_code == 0
    boards.sound(project.root / "vo.wav", "pcm_s16le", 7.4)
    done = in_project(project, "run", "--plan", saved)
    assert done.exit_code == 3
    assert "reference vo.wav has new content" in done.stderr
    assert project.tasks() == 0


def test_warnings_go_by_what_was_sent(project: Project) -> None:
    """The summary holds a clip against the length that its sound came to, not against the estimate before."""
    project.write(board(voice(7.3).replace("prompt: ", "params: {speed: 1.2}, prompt: "), fit()))
    done = in_project(project, project.path)
    assert durations(project) == [7]
    assert "instead of the 7 s asked for" in done.stderr


def test_a_clip_in_two_languages(project: Project) -> None:
    """Each clip is as long as its version's voice; one version more buys its own, the others stay as they are."""
    said = {"de": 7.3, "en": 6.3, "fr": 9.2}

    def languages(*names: str) -> str:
        versions = [f"{name}: {{vars: {{said: {words(said[name])}}}}}" for name in names]
        shots = board(voice(1).replace("prompt: " + words(1), 'prompt: "${said}"'), fit())
        return f"versions: {{{', '.join(versions)}}}\n{shots}"

    project.write(languages("de", "en"))
    assert project.run().exit_code == 0
    assert (durations(project, "sh010-de"), durations(project, "sh010-en")) == ([8], [7])
    project.write(languages("fr", "de", "en"))
    assert project.run().exit_code == 0
    assert durations(project, "sh010-fr") == [10]
    assert project.tasks() == 6
    assert project.run().exit_code == 0
    assert project.tasks() == 6


def test_the_clip_of_a_storyboard_that_gets_versions_stays(project: Project) -> None:
    """What was made under the shot's own id serves its family, where it is long enough."""
    project.write(board(voice(7.3), fit()))
    project.run()
    said = f"prompt: {words(7.3)}"
    versions = f"versions: {{a: {{vars: {{said: {words(7.3)}}}}}, b: {{vars: {{said: {'b' * 95}}}}}}}\n"
    project.write(versions + board(voice(7.3).replace(said, 'prompt: "${said}"'), fit()))
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    assert durations(project, "sh010") + durations(project, "sh010-a") + durations(project, "sh010-b") == [
        8,
        7,
    ]


def test_a_sound_that_comes_back_with_other_bytes_makes_no_clip_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file went missing, and what the API serves now is a second longer: the length on record counts, here and in
    a clone of the manifest."""
    project.write(board(voice(7.3), fit()))
    project.run()
    sound = project.takes()["vo010/1"]["outputs"][0]
    longer = boards.sound(project.root / "longer.mp3", "libmp3lame", 9.2).read_bytes()
    content = RenderCache.content

    async def spoken_anew(self: RenderCache, task: SimulatedTask, number: int) -> Content:
        found = await content(self, task, number)
        return Content(longer, found.mime_type, found.etag + "2") if "vo010" in (task.key or "") else found

    monkeypatch.setattr(RenderCache, "content", spoken_anew)
    (project.folder() / sound["path"]).unlink()
    assert project.run().exit_code == 0
    again = project.takes()["vo010/1"]["outputs"][0]
    assert again["duration"] > 9 and again["first_seconds"] == sound["duration"]
    assert project.steps()["sh010/1"].action is Action.REUSE
    (project.folder() / "journal.jsonl").unlink()
    assert project.run().exit_code == 0
    assert project.tasks() == 2


def test_a_version_keeps_its_clip_from_one_whose_sound_is_a_file(project: Project) -> None:
    """Both come to 8 s; the file's length is known first, and yet what a version has is its own."""
    boards.sound(project.root / "said.wav", "pcm_s16le", 7.5)
    project.write(
        "id: narrated\nversions: {de: {vars: {said: file}}, en: {vars: {said: vo010}}}\n"
        "sound: [{id: file, file: said.wav}]\nshots:\n" + voice(7.5) + fit(sound='"${said}"')
    )
    assert project.run(only=("vo010", "sh010-en")).exit_code == 0
    assert project.tasks() == 2
    assert project.run(only=("vo010", "sh010-en")).exit_code == 0
    assert project.tasks() == 2
    assert project.run().exit_code == 0
    assert project.tasks() == 3


@pytest.mark.parametrize(("seconds", "asked"), [(4.5, "5"), (4.6, "10"), (9.54, "10")])
def test_an_option_is_sent_as_its_text(project: Project, seconds: float, asked: str) -> None:
    """A model takes 5 or 10: the option as it stands in the table, 0.05 s shorter than sound and pad at most."""
    boards.sound(project.root / "vo.wav", "pcm_s16le", seconds)
    clip = fit(sound="vo").replace("prompt:", "model: kling-2-6, prompt:")
    project.write(board("  - {id: vo, file: vo.wav}\n", clip))
    assert project.run().exit_code == 0
    assert durations(project) == [asked]


def test_the_length_on_record_is_that_of_the_samples(project: Project) -> None:
    """What an encoder put before and after an MP3 doesn't count."""
    project.write(board(voice(7.2), fit()))
    project.run()
    assert project.takes()["vo010/1"]["outputs"][0]["duration"] == pytest.approx(7.2, abs=0.001)


def test_the_recipe_narration_first(project: Project) -> None:
    """The voices alone first; then pictures as long as these; a rerun makes nothing."""
    project.write((Path(__file__).parents[2] / "specs/narration-first.yaml").read_text(encoding="utf-8"))
    assert in_project(project, "run", project.path, "--only", "tag:voice").exit_code == 0
    assert project.tasks() == 2
    assert in_project(project, "run", project.path).exit_code == 0
    assert (durations(project, "s010"), durations(project, "s020")) == ([7], [6])
    assert in_project(project, "run", project.path).exit_code == 0
    assert project.tasks() == 4


def test_exchanged_versions_keep_their_clips_while_a_sound_is_spoken_anew(project: Project) -> None:
    """Whose clip is whose is told when the sound is there, for all versions at once."""
    spoken = voice(7.3) + fit().replace("duration:", "aspect_ratio: '${ratio}', duration:")
    versions = "id: narrated\nversions: {wide: {vars: {ratio: '%s'}}, tall: {vars: {ratio: '%s'}}}\nshots:\n"
    project.write(versions % ("16:9", "9:16") + spoken)
    project.run()
    assert project.tasks() == 3
    project.write(versions % ("9:16", "16:9") + spoken.replace("aaa", "bbb"))
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    project.write(versions.replace("tall", "new") % ("16:9", "9:16") + spoken.replace("aaa", "ccc"))
    assert project.run().exit_code == 0
    assert project.tasks() == 5
