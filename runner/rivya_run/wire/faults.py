"""What an error of the HTTP library means: one table, and the values that carry its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rivya_run.wire.retry import What

# By name, since the layer below the library (its streams are read directly) has classes of the same names.
_FAULTS: Mapping[str, What] = {
    "ConnectTimeout": What.CONNECT_TIMEOUT,
    "PoolTimeout": What.POOL_TIMEOUT,
    "WriteTimeout": What.WRITE_TIMEOUT,
    "ReadTimeout": What.READ_TIMEOUT,
    "TimeoutException": What.READ_TIMEOUT,
    "ConnectError": What.NOT_CONNECTED,
    "ProxyError": What.NOT_CONNECTED,
    "ReadError": What.RESET,
    "WriteError": What.RESET,
    "CloseError": What.RESET,
    "NetworkError": What.RESET,
    "RemoteProtocolError": What.RESET,
    "ProtocolError": What.RESET,
    "TransportError": What.RESET,
    "StreamError": What.RESET,
    "RequestError": What.RESET,
    "LocalProtocolError": What.LOCAL,
    "UnsupportedProtocol": What.LOCAL,
    "InvalidURL": What.LOCAL,
    "CookieConflict": What.UNREADABLE,
    "DecodingError": What.UNREADABLE,
    "TooManyRedirects": What.UNREADABLE,
    "HTTPError": What.UNREADABLE,
}


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
        what = _FAULTS.get(kind.__name__)
        if what is not None:
            if what is What.NOT_CONNECTED and "CERTIFICATE_VERIFY_FAILED" in str(error):
                what = What.UNTRUSTED
            return Fault(what, f"{type(error).__name__}: {error}"[:500])
    if isinstance(error, OSError):
        return Fault(What.RESET, f"{type(error).__name__}: {error}"[:500])
    return None
