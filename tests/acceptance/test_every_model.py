"""Every model that is fully known, against a server that checks each row of its table."""

from __future__ import annotations

import json

from projects import Project
from rivya_run.models.catalog import load_catalog

NO_PROMPT = "elevenlabs-dialogue-v3"


def test_every_complete_model_is_accepted_with_just_a_prompt(project: Project) -> None:
    """One take for each of the 38 models: all are made, all files are there."""
    models = [table.id for table in load_catalog().all() if table.complete and table.id != NO_PROMPT]
    assert len(models) == 38
    shots = [{"id": model, "model": model, "prompt": "A kettle sings"} for model in models]
    project.write(json.dumps({"id": "all", "shots": shots}))
    assert project.run(concurrency=16).exit_code == 0
    assert {task.model for task in project.simulator.state.tasks()} == set(models)
    assert all(take["status"] == "succeeded" for take in project.takes().values())


def test_a_dialogue_needs_no_prompt(project: Project) -> None:
    """The one model whose prompt is made by the server takes its lines as an array."""
    lines = [{"voice": "Adam", "text": "Coffee?"}, {"text": "Always."}]
    shot = {"id": "talk", "model": NO_PROMPT, "params": {"dialogue": lines}}
    project.write(json.dumps({"id": "talk", "shots": [shot]}))
    assert project.run().exit_code == 0
    [task] = project.simulator.state.tasks()
    assert task.prompt is None
    assert task.params["dialogue"] == lines
