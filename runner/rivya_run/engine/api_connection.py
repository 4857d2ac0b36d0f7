"""The connection of a storyboard to its API origin."""

from __future__ import annotations

from dataclasses import dataclass

from rivya_run.provider.http import Http
from rivya_run.provider.rivya.client import RivyaClient


@dataclass(frozen=True, slots=True)
class ApiConnection:
    """``http`` fetches results and knows the API's clock, ``client`` knows the API's endpoints."""

    http: Http
    client: RivyaClient
