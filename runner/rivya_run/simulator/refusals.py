"""The errors of the API: code, HTTP status and body, as its errors page publishes them; and who is refused."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.json_types import Json
from rivya_run.simulator.options import SimulatorOptions

#: Code -> (HTTP status, message). ``insufficient_credits`` has no published status: it is an option.
CODES: Mapping[str, tuple[int, str]] = {
    "public_api_disabled": (503, "The public API is temporarily disabled."),
    "api_key_missing": (401, "A valid Bearer API key is required."),
    "api_key_invalid": (401, "The API key cannot be verified."),
    "api_key_revoked": (401, "The API key was revoked."),
    "api_key_expired": (401, "The API key has expired."),
    "api_scope_denied": (403, "The API key lacks the scope for this request."),
    "rate_limited": (429, "Too many requests in the current window."),
    "validation_failed": (400, "The request is not valid."),
    "not_found": (404, "There is no such thing, or it is not yours."),
    "idempotency_conflict": (409, "The idempotency key was used with another request."),
    "insufficient_credits": (402, "Not enough credits."),
    "internal_error": (500, "Something went wrong."),
    "bad_gateway": (502, "The upstream did not answer."),
    "service_unavailable": (503, "The service is not available right now."),
}


class Refusal(Exception):
    """The API says no. ``headers`` go with the reply (``Retry-After``)."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        known_status, known_message = CODES[code]
        self.code = code
        self.message = message or known_message
        self.status = status or known_status
        self.headers = dict(headers or {})
        super().__init__(f"{self.code}: {self.message}")

    def body(self, request_id: str) -> dict[str, Json]:
        """The published error body: ``{"error": {"code", "message", "requestId"}}``."""
        return {"error": {"code": self.code, "message": self.message, "requestId": request_id}}


def throttled(retry_after: str | None, message: str | None = None) -> Refusal:
    """A 429, with ``Retry-After`` where its text is given."""
    headers = None if retry_after is None else {"Retry-After": retry_after}
    return Refusal("rate_limited", message, headers=headers)


KEY_PREFIX = "rvya_sk_"
SHARED_ACCOUNT = "default"


class AccountLimits:
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
