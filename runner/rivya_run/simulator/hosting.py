"""A simulator in this process: both origins in one thread, gone without a trace when the block ends."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rivya_run.errors import RivyaError, UsageError
from rivya_run.models.catalog import Catalog, load_catalog
from rivya_run.simulator.context import ConnectionFaults, Origin, SimulatorContext, Traffic
from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.results import results_app
from rivya_run.simulator.server import api_app
from rivya_run.simulator.state import State
from rivya_run.simulator.tasks import EventLog

_START_SECONDS = 20  # for a thread on a machine under load
_BACKLOG = 1024  # connections that wait: load tests open hundreds at once


class HostedSimulator:
    """``with HostedSimulator(options) as simulator:`` serves at ``simulator.base_url``.

    ``state``, ``traffic`` and ``gate`` may be asked from any thread; a bug inside the simulator is raised
    when the block ends. Raises UsageError when a port is taken.
    """

    def __init__(self, options: SimulatorOptions | None = None, catalog: Catalog | None = None) -> None:
        self.options = options or SimulatorOptions()
        self._event_log = None
        record = None
        if self.options.event_log_folder is not None:
            self._event_log = EventLog(self.options.event_log_folder, fsync=self.options.event_log_fsync)
            record = self._event_log.append
        self.state = State(self.options, record)
        self.state.open(self._event_log.past if self._event_log else (), self.options.clock())
        if self._event_log is not None:
            self._event_log.past.clear()
        self.context = SimulatorContext(self.options, catalog or load_catalog(), self.state)
        if self.options.event_log_requests:
            self.context.record = record
        self.traffic: Traffic = self.context.traffic
        self.gate = self.context.gate
        self.base_url = self.results_url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> HostedSimulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self.context.troubles and error is None:
            raise RivyaError("the simulator itself failed") from self.context.troubles[0]

    def start(self) -> None:
        api = results = None
        try:
            api = _listening(self.options.host, self.options.port)
            results = _listening(self.options.host, self.options.results_port)
        except UsageError:
            if api is not None:
                api.close()
            self.stop()
            raise
        self.base_url = _url(api)
        self.results_url = self.context.results_url = _url(results)
        self._sockets: dict[Origin, socket.socket] = {"api": api, "results": results}
        self._thread.start()
        if not self._ready.wait(_START_SECONDS) or self._failure is not None:
            raise RivyaError("the simulator did not start") from self._failure

    def stop(self) -> None:
        """Close every connection and both ports; what was accepted is in the event log."""
        self.context.render_cache.abandon()
        if self._loop is not None and self._leave is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
            self._thread.join(_START_SECONDS)
        self.context.render_cache.close()
        self.state.settle(self.context.now())
        if self._event_log is not None:
            self._event_log.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        apps = {"api": api_app(self.context), "results": results_app(self.context)}
        servers = []
        for origin, sock in self._sockets.items():
            connection_faults = self.context.connection_faults[origin]
            config = uvicorn.Config(
                _dated(apps[origin], self.options.clock),
                http=connection_faults.protocol(),
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_keep_alive=300,
                backlog=_BACKLOG,
            )
            server = _Server(config, connection_faults)
            await server.open(sock)
            servers.append(server)
        self._ready.set()
        await self._leave.wait()
        for server in servers:
            await server.close()


def _dated(app: ASGIApp, clock: Callable[[], float]) -> ASGIApp:
    """The application with a ``Date`` in every answer, by its own clock."""

    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", formatdate(clock(), usegmt=True).encode())
                message = {**message, "headers": [*message["headers"], date]}
            await send(message)

        await app(scope, receive, stamped)

    return dated


class _Server(uvicorn.Server):
    """uvicorn's server without its signals, ticks and waits: it lives and dies with its host."""

    def __init__(self, config: uvicorn.Config, connection_faults: ConnectionFaults) -> None:
        super().__init__(config)
        self._connection_faults = connection_faults

    async def open(self, sock: socket.socket) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[sock])

    async def close(self) -> None:
        """Stop accepting, reset what is open, wait for what is running."""
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for sock in server.sockets:
                with suppress(NotImplementedError):
                    loop.remove_reader(sock.fileno())
        # A connection that is being accepted now must have its transport before the server goes.
        for _ in range(3):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        self._connection_faults.drop_all()
        while self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks), timeout=0.05)
            self._connection_faults.drop_all()


def _listening(host: str, port: int) -> socket.socket:
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    # asyncio turns off Nagle's delays only for sockets that name their protocol.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise UsageError(f"the simulator can't listen on {host}:{port}: {error.strerror or error}") from error
    return sock


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{host}:{port}"
