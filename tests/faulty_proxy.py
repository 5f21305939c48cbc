"""What stands between a copy and the real program, and fails as networks and gateways do; it counts the bytes that pass."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from publisher import Fault

LATER = "HTTP/1.1 {status} Later\r\nContent-Length: 5\r\nConnection: close\r\n{more}\r\nlater"


class Proxy:
    """One request a connection: passed on to the program at `upstream` (a port), with the fault that is due.

    `moved` are the bytes of all requests and answers, headers too, as the client sent and received them.
    """

    def __init__(self) -> None:
        self.upstream = 0
        self.trouble: Callable[[str], Fault | None] = lambda target: None
        self.moved = 0
        self.answered = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def serving(self) -> Iterator["Proxy"]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, suppress(OSError):
                    client.settimeout(60)
                    self._pass(client)

    def _pass(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (part := client.recv(65536)):
                return
            head += part
        fault = self.trouble(head.split(b" ")[1].decode()) or Fault()
        if fault.status:
            more = f"Retry-After: {fault.retry_after}\r\n" if fault.retry_after else ""
            whole = LATER.format(status=fault.status, more=more).encode()
        else:
            whole = self._fetched(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        if fault.flip is not None and (start := whole.find(b"\r\n\r\n") + 4) < len(whole):
            at = start + fault.flip % (len(whole) - start)
            whole = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        part = whole if fault.cut is None else whole[: fault.cut % (len(whole) + 1)]
        self.moved += len(head) + len(part)
        self.answered += part is whole and bool(whole)
        client.sendall(part)

    def _fetched(self, request: bytes) -> bytes:
        """The program's answer, or as much of it as came before the program was gone."""
        parts = []
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.upstream), timeout=60) as program:
            program.sendall(request)
            while part := program.recv(65536):
                parts.append(part)
        return b"".join(parts)
