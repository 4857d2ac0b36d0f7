"""An answer whose body is read piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from rivya_run.provider.faults import BodyError, fault_of


class Incoming:
    """An open answer whose body is still to be read; ``headers`` takes lower-case names."""

    __slots__ = ("_body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: AsyncGenerator[bytes, None]) -> None:
        self.status = status
        self.headers = headers
        self._body = body

    @property
    def length(self) -> int | None:
        """How many bytes the body has as it is on the wire, where it says so and is not encoded."""
        text = self.headers.get("content-length", "")
        encoded = self.headers.get("content-encoding", "identity") != "identity"
        if encoded or "transfer-encoding" in self.headers or not (text.isascii() and text.isdigit()):
            return None
        return int(text)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body; raises BodyError when it stops before its end."""
        try:
            async for chunk in self._body:
                yield chunk
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            raise BodyError(fault) from None
