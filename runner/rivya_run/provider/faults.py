"""What an error of the HTTP library means: one table, and the values that carry its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import h11
import httpcore2
import httpx2

from rivya_run.provider.rivya.retry import What

_FAULTS: Mapping[type[BaseException], What] = {
    # Nothing was sent.
    httpx2.ConnectTimeout: What.CONNECT_TIMEOUT,
    httpx2.PoolTimeout: What.POOL_TIMEOUT,
    httpx2.ConnectError: What.NOT_CONNECTED,
    httpx2.ProxyError: What.NOT_CONNECTED,
    httpx2.LocalProtocolError: What.LOCAL,
    httpx2.UnsupportedProtocol: What.LOCAL,
    httpx2.InvalidURL: What.LOCAL,
    httpcore2.ConnectTimeout: What.CONNECT_TIMEOUT,
    httpcore2.PoolTimeout: What.POOL_TIMEOUT,
    httpcore2.ConnectError: What.NOT_CONNECTED,
    httpcore2.ProxyError: What.NOT_CONNECTED,
    httpcore2.ConnectionNotAvailable: What.NOT_CONNECTED,
    httpcore2.LocalProtocolError: What.LOCAL,
    httpcore2.UnsupportedProtocol: What.LOCAL,
    h11.LocalProtocolError: What.LOCAL,
    # It may have arrived.
    httpx2.WriteTimeout: What.WRITE_TIMEOUT,
    httpx2.ReadTimeout: What.READ_TIMEOUT,
    httpx2.TimeoutException: What.READ_TIMEOUT,
    httpx2.ReadError: What.RESET,
    httpx2.WriteError: What.RESET,
    httpx2.CloseError: What.RESET,
    httpx2.NetworkError: What.RESET,
    httpx2.RemoteProtocolError: What.RESET,
    httpx2.ProtocolError: What.RESET,
    httpx2.TransportError: What.RESET,
    httpx2.RequestError: What.RESET,
    httpx2.StreamError: What.RESET,
    httpcore2.WriteTimeout: What.WRITE_TIMEOUT,
    httpcore2.ReadTimeout: What.READ_TIMEOUT,
    httpcore2.TimeoutException: What.READ_TIMEOUT,
    httpcore2.ReadError: What.RESET,
    httpcore2.WriteError: What.RESET,
    httpcore2.NetworkError: What.RESET,
    httpcore2.RemoteProtocolError: What.RESET,
    httpcore2.ProtocolError: What.RESET,
    h11.ProtocolError: What.RESET,
    OSError: What.RESET,
    # An answer came.
    httpx2.DecodingError: What.UNREADABLE,
    httpx2.TooManyRedirects: What.UNREADABLE,
    httpx2.CookieConflict: What.UNREADABLE,
    httpx2.HTTPError: What.UNREADABLE,
}
"""The class that is nearest to an error's own counts. ``transport`` sees to it that "not connected" is true."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that got no answer: what happened, and the library's words (never with the key in them)."""

    what: What
    message: str


class BodyError(Exception):
    """The body stopped coming; raised by ``Incoming.chunks``."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def fault_of(error: BaseException) -> Fault | None:
    """What an error of the HTTP library (or of the system's network) means, or None for anything else."""
    if isinstance(error, BodyError):
        return error.fault
    for kind in type(error).__mro__:
        what = _FAULTS.get(kind)
        if what is not None:
            if what is What.NOT_CONNECTED and "CERTIFICATE_VERIFY_FAILED" in str(error):
                what = What.UNTRUSTED
            return Fault(what, f"{type(error).__name__}: {error}".rstrip(": ")[:500])
    return None
