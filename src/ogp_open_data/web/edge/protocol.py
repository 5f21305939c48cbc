"""HTTP/1.1 on a socket, by uvicorn, with an end to patience: slow heads and bodies, floods of headers, readers that do not read.

Left alone uvicorn closed none of 200 connections that dripped a header each; and it takes a head of any size.
"""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ogp_open_data.web.edge.cache import fields
from ogp_open_data.web.edge.entry import AtOnce, Written

# Bytes of a request's line and header.
LARGEST_HEAD = 32 * 1024
MOST_FIELDS = 100
LARGEST_COPIED = 96 * 1024
# A request with one of these is more than its head.
MORE = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))
SAYS = {
    400: "the request cannot be read; it takes one Host field, and one length",
    408: "the request came too slowly",
    431: f"the header is larger than {LARGEST_HEAD} bytes or {MOST_FIELDS} fields",
}


class Unreadable(Exception):
    """Stops the parser."""


class Protocol(HttpToolsProtocol):
    """One connection. A request that comes whole in one piece, as almost all do, sets no timer.

    In seconds: from the connection or the first byte to the end of a head, from there to the end of a body, and what a reader
    may take for the 64 kB that are buffered for it.
    """

    head_seconds = 10.0
    body_seconds = 60.0
    read_seconds = 60.0
    # Of the process: what is answered from here on is the last on its connection.
    ending: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept: AtOnce | None = self.app if hasattr(self.app, "at_once") else None
        self.answered = False
        self.arriving = True
        self.in_head = True
        self.arrived = 0
        self.fault = 400
        self.deadline: asyncio.TimerHandle | None = None
        self.unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self.deadline, self.unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.arrived += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self.arriving:
            if self.deadline is not None:
                self._wait(None)
        elif self.in_head and self.arrived > LARGEST_HEAD:
            self._refuse(431)
        elif self.deadline is None:
            self._wait(self.head_seconds if self.in_head else self.body_seconds)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.arriving = self.in_head = True

    def on_headers_complete(self) -> None:
        if len(self.headers) > MOST_FIELDS or self._head_size() > LARGEST_HEAD:
            self.fault = 431
            raise Unreadable
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            # RFC 9112, 3.2; httptools lets both pass.
            raise Unreadable
        self.in_head = False
        if self.deadline is not None:
            # What waits from here on waits for a body.
            self._wait(None)
        self.answered = MORE.isdisjoint(names) and self._answered()
        if not self.answered:
            super().on_headers_complete()
            if self.ending and self.cycle is not None:
                self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self.arriving = False
        self.arrived = 0
        if not self.answered:
            super().on_message_complete()

    def _answered(self) -> bool:
        """Answer from memory, where that is possible and it is this request's turn."""
        method = self.parser.get_method()
        waiting = self.cycle is not None and not self.cycle.response_complete
        if self.kept is None or method not in (b"GET", b"HEAD") or waiting or self.flow.write_paused:
            return False
        found = self.kept.at_once(method, self.url, fields(self.headers))
        if found is not None:
            lasting = not self.ending and self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
            self._write(found, lasting)
        return found is not None

    def _write(self, one: Written, keep_alive: bool) -> None:
        """Send an answer that is whole."""
        added = [b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]
        closing = b"" if keep_alive else b"connection: close\r\n"
        head = b"".join((one.head, *added, closing, b"\r\n"))
        # Each write is a call of the system, and half of what a small answer costs; a large body costs more to copy.
        if len(one.body) <= LARGEST_COPIED:
            self.transport.write(head + one.body)
        else:
            self.transport.write(head)
            self.transport.write(one.body)
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self.fault)

    def _head_size(self) -> int:
        """Bytes of the head; nothing is counted where all that came is small."""
        if self.arrived <= LARGEST_HEAD:
            return 0
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _wait(self, seconds: float | None) -> None:
        """Set the deadline of what is awaited; None where nothing is."""
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self.deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(408)
        else:
            # Somebody is being answered who still owes a part of the request.
            self.transport.abort()

    def _refuse(self, status: int) -> None:
        """Tell what is wrong, as problem details, and hang up: nothing else on this connection can be understood."""
        title = HTTPStatus(status).phrase
        body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": SAYS[status]})
        head = (
            b"content-type: application/problem+json\r\naccess-control-allow-origin: *\r\ncache-control: no-store\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
