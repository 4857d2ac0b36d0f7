"""What a person should look at in the results of a take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rivya_run.journal.attempt import Output
from rivya_run.json_types import Json
from rivya_run.media.warnings import output_warnings


def take_warnings(outputs: Iterable[Output], params: Mapping[str, Json]) -> list[str]:
    """What is odd about the files of a take, in words; ``params`` are what was asked for."""
    measured = [output.media for output in outputs if output.media]
    return [warning.message for media in measured for warning in output_warnings(media, params)]
