"""What goes wrong, and when: faults by name, drawn from a seed or set by rules.

A fault is named ``<place>-<action>``. Which one a request meets depends only on the seed, the place, the
request's identity (its idempotency key; for a poll or a download that of the task's create) and on how many
requests of that identity came before: never on timing, so the same seed gives the same run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from rivya_run.errors import UsageError
from rivya_run.suggest import did_you_mean

#: Actions that every place of the API knows. "lost" ones take effect first, the others never do.
_ANYWHERE: Mapping[str, str] = {
    "lost": "takes effect, then the connection is dropped without a reply",
    "refused": "the connection is dropped before the request is read",
    "half": "takes effect, then half of the JSON comes with a matching Content-Length",
    "cut": "takes effect, then the connection breaks in the middle of the reply",
    "html": "an HTML page with status 200, nothing took effect",
    "lost-html": "takes effect, then an HTML page with status 200",
    "429": "rate_limited",
    "500": "internal_error, nothing took effect",
    "lost-500": "takes effect, then internal_error",
    "502": "an HTML page with status 502, nothing took effect",
    "503": "service_unavailable as JSON",
    "disabled": "public_api_disabled",
    "redirect": "a redirect to the results origin, nothing took effect",
    "slow": "takes effect, the reply comes after `slow_seconds`",
    "hang": "takes effect, no reply until the client leaves or `hang_seconds` are over",
}

#: Place -> action -> what it does.
PLACES: Mapping[str, Mapping[str, str]] = {
    "create": {
        **_ANYWHERE,
        "conflict": "idempotency_conflict, as if an earlier request with the key was still running",
    },
    "upload": _ANYWHERE,
    "status": {
        **_ANYWHERE,
        "missing": "not_found",
        "unknown": "an unpublished status",
    },
    "file": {**_ANYWHERE, "missing": "not_found"},
    "credits": _ANYWHERE,
    "models": _ANYWHERE,
    "task": {
        "failed": "the task ends as failed: generation_failed, credits returned",
        "charged": "the task ends as failed: generation_failed, credits kept",
        "moderated": "the task ends as failed with an unpublished code",
        "unfunded": "the task ends as failed: insufficient_credits",
        "stuck": "the task never ends",
        "black": "the clip is black from its middle on, a still all over",
        "frozen": "the clip stands still from its middle on",
        "brief": "the clip or sound lasts half as long as it should",
        "mute": "the clip has no sound",
    },
    "download": {
        "lost": "the connection is dropped without a reply",
        "cut": "half of the body, then the connection breaks",
        "short": "half of the body with a matching Content-Length",
        "no-range": "the Range header is ignored: 200 with the whole file",
        "etag": "another ETag than the last time",
        "html": "an HTML page with status 200",
        "403": "as an expired URL",
        "404": "as a deleted file",
        "410": "as a deleted file",
        "429": "too many requests",
        "500": "a server error",
        "503": "a server error",
        "slow": "the body comes after `slow_seconds`",
        "redirect": "a redirect to the same origin",
        "redirect-foreign": "a redirect to the same file under another host name",
        "redirect-loop": "a redirect to itself, without end",
    },
}

#: Left out of groups: they end a take, last until somebody's patience ends, or spoil a clip that is paid for.
_ONLY_BY_NAME = frozenset(
    {
        "hang",
        "stuck",
        "conflict",
        "redirect-loop",
        "slow",
        "charged",
        "unfunded",
        "black",
        "frozen",
        "brief",
        "mute",
    }
)

#: The share of requests that a group named without a rate spoils, over all its actions.
_GROUP_SHARE = 0.35
#: The same for one fault named without a rate.
_SINGLE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault at a chosen request: all of the conditions that are set must hold.

    ``subject`` is a glob over the identity (``*.sh020.t01.*``); ``turns`` counts the requests of one identity
    from 1; ``at`` counts all requests at the place from 1; ``every`` takes each n-th of them.
    """

    name: str
    subject: str = "*"
    turns: tuple[int, ...] = ()
    at: tuple[int, ...] = ()
    every: int | None = None

    def __post_init__(self) -> None:
        split_name(self.name)

    def holds(self, place: str, identity: str, turn: int, ordinal: int) -> bool:
        return (
            self.name.startswith(place + "-")
            and (not self.turns or turn in self.turns)
            and (not self.at or ordinal in self.at)
            and (self.every is None or ordinal % self.every == 0)
            and (self.subject == "*" or fnmatchcase(identity, self.subject))
        )


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Rules first; then chance: ``rates`` is fault name -> share of requests, from ``seed``.

    No identity meets more than its first ``most`` requests at a place with faults from chance, so that every
    run can end.
    """

    seed: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    most: int = 3

    def __post_init__(self) -> None:
        for name in self.rates:
            split_name(name)

    @classmethod
    def named(cls, names: str | Iterable[str], seed: int = 0) -> FaultPlan:
        """From words: a fault, a place (all its usual faults) or ``all``, each with ``=RATE`` where wanted.

        Raises UsageError for a name or rate that can't be.
        """
        rates: dict[str, float] = {}
        for word in names.split(",") if isinstance(names, str) else names:
            name, _, rate = word.strip().partition("=")
            if not name:
                continue
            members, share = _members(name)
            if rate:
                share = _rate(name, rate)
            rates.update({member: share / len(members) for member in members})
        return cls(seed=seed, rates=rates)

    def pick(self, place: str, identity: str, turn: int, ordinal: int) -> str | None:
        """The action that this request meets, or None."""
        for rule in self.rules:
            if rule.holds(place, identity, turn, ordinal):
                return rule.name[len(place) + 1 :]
        if not self.rates or turn > self.most:
            return None
        digest = hashlib.sha256(f"{self.seed}|{place}|{identity}|{turn}".encode()).digest()
        left = int.from_bytes(digest[:8], "big") / 2**64
        for name, rate in self.rates.items():
            if name.startswith(place + "-"):
                left -= rate
                if left < 0:
                    return name[len(place) + 1 :]
        return None


def split_name(name: str) -> tuple[str, str]:
    """``create-lost`` -> ("create", "lost"). Raises UsageError when there is no such fault."""
    place, _, action = name.partition("-")
    if action not in PLACES.get(place, {}):
        near = did_you_mean(name, [*known_names(), *PLACES, "all"])
        raise UsageError(
            f"there is no fault {name!r}{near}", hint="rivya-run simulator --list-faults lists them"
        )
    return place, action


def known_names() -> list[str]:
    return [f"{place}-{action}" for place, actions in PLACES.items() for action in actions]


def _members(name: str) -> tuple[list[str], float]:
    if name == "all":
        usual = [known for known in known_names() if split_name(known)[1] not in _ONLY_BY_NAME]
        return usual, _GROUP_SHARE * len(PLACES)
    if name in PLACES:
        usual = [f"{name}-{action}" for action in PLACES[name] if action not in _ONLY_BY_NAME]
        return usual, _GROUP_SHARE
    split_name(name)
    return [name], _SINGLE_SHARE


def _rate(name: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise UsageError(f"the rate of the fault {name} must be a number from 0 to 1, not {text!r}")
    return rate
