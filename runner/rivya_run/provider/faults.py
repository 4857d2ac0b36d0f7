"""What an error of the HTTP library means: one table, and the values that carry the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h11
import httpcore2
import httpx2

from rivya_run.provider.rivya.retry import FailureKind

_FAULTS: Mapping[type[BaseException], FailureKind] = {
    # Nothing was sent.
    httpx2.ConnectTimeout: FailureKind.CONNECT_TIMEOUT,
    httpx2.PoolTimeout: FailureKind.POOL_TIMEOUT,
    httpx2.ConnectError: FailureKind.NOT_CONNECTED,
    httpx2.ProxyError: FailureKind.NOT_CONNECTED,
    httpx2.LocalProtocolError: FailureKind.LOCAL,
    httpx2.UnsupportedProtocol: FailureKind.LOCAL,
    httpx2.InvalidURL: FailureKind.LOCAL,
    httpcore2.ConnectTimeout: FailureKind.CONNECT_TIMEOUT,
    httpcore2.PoolTimeout: FailureKind.POOL_TIMEOUT,
    httpcore2.ConnectError: FailureKind.NOT_CONNECTED,
    httpcore2.ProxyError: FailureKind.NOT_CONNECTED,
    httpcore2.ConnectionNotAvailable: FailureKind.NOT_CONNECTED,
    httpcore2.LocalProtocolError: FailureKind.LOCAL,
    httpcore2.UnsupportedProtocol: FailureKind.LOCAL,
    h11.LocalProtocolError: FailureKind.LOCAL,
    # It may have arrived.
    httpx2.WriteTimeout: FailureKind.WRITE_TIMEOUT,
    httpx2.ReadTimeout: FailureKind.READ_TIMEOUT,
    httpx2.TimeoutException: FailureKind.READ_TIMEOUT,
    httpx2.ReadError: FailureKind.RESET,
    httpx2.WriteError: FailureKind.RESET,
    httpx2.CloseError: FailureKind.RESET,
    httpx2.NetworkError: FailureKind.RESET,
    httpx2.RemoteProtocolError: FailureKind.RESET,
    httpx2.ProtocolError: FailureKind.RESET,
    httpx2.TransportError: FailureKind.RESET,
    httpx2.RequestError: FailureKind.RESET,
    httpx2.StreamError: FailureKind.RESET,
    httpcore2.WriteTimeout: FailureKind.WRITE_TIMEOUT,
    httpcore2.ReadTimeout: FailureKind.READ_TIMEOUT,
    httpcore2.TimeoutException: FailureKind.READ_TIMEOUT,
    httpcore2.ReadError: FailureKind.RESET,
    httpcore2.WriteError: FailureKind.RESET,
    httpcore2.NetworkError: FailureKind.RESET,
    httpcore2.RemoteProtocolError: FailureKind.RESET,
    httpcore2.ProtocolError: FailureKind.RESET,
    h11.ProtocolError: FailureKind.RESET,
    OSError: FailureKind.RESET,
    # An answer came.
    httpx2.DecodingError: FailureKind.UNREADABLE,
    httpx2.TooManyRedirects: FailureKind.UNREADABLE,
    httpx2.CookieConflict: FailureKind.UNREADABLE,
    httpx2.HTTPError: FailureKind.UNREADABLE,
}
"""The class that is nearest to an error's own counts. ``transport`` sees to it that "not connected" is true."""


@dataclass(frozen=True, slots=True)
class TransportError:
    """A request that got no answer: what happened, and the library's words (never with the key in them)."""

    kind: FailureKind
    message: str


class BodyError(Exception):
    """The body stopped coming; raised by ``Incoming.chunks``."""

    def __init__(self, fault: TransportError) -> None:
        super().__init__(fault.message)
        self.fault = fault


def fault_of(error: BaseException) -> TransportError | None:
    """What an error of the HTTP library (or of the system's network) means, or None for anything else."""
    if isinstance(error, BodyError):
        return error.fault
    for error_class in type(error).__mro__:
        kind = _FAULTS.get(error_class)
        if kind is not None:
            if kind is FailureKind.NOT_CONNECTED and "CERTIFICATE_VERIFY_FAILED" in str(error):
                kind = FailureKind.UNTRUSTED
            return TransportError(kind, f"{type(error).__name__}: {error}".rstrip(": ")[:500])
    return None
