"""Who asks, and how often: keys, accounts, the rate of requests."""

from __future__ import annotations

from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.refusals import Refusal, throttled

KEY_PREFIX = "rvya_sk_"
SHARED_ACCOUNT = "default"


class Gate:
    """Decides whether a request comes in. ``disabled`` and ``refused_keys`` may change while it runs."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.disabled = False
        self.refused_keys = dict(options.refused_keys)
        self._options = options
        self._tokens: dict[str, tuple[float, float]] = {}

    def account_of(self, authorization: str | None) -> str:
        """The account of a request's ``Authorization`` header. Raises Refusal."""
        if self.disabled:
            raise Refusal("public_api_disabled")
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal("api_key_missing")
        if key in self.refused_keys:
            raise Refusal(self.refused_keys[key])
        known = key == self._options.key if self._options.key is not None else key.startswith(KEY_PREFIX)
        if not known:
            raise Refusal("api_key_invalid")
        return key if self._options.account_per_key else SHARED_ACCOUNT

    def admit(self, account: str, now: float) -> None:
        """Count a request against the account's rate: a bucket of one second's worth. Raises Refusal."""
        rate = self._options.rate_limit
        if rate is None:
            return
        room = max(1.0, rate)
        tokens, since = self._tokens.get(account, (room, now))
        tokens = min(room, tokens + max(0.0, now - since) * rate)
        self._tokens[account] = (tokens - 1 if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise throttled(self._options.retry_after)
