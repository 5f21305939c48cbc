"""What stands before a server and may fall silent: connections stay, and nothing comes through, as where packets are lost."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Silence:
    """A port on loopback that passes everything on to another, but while it is `silent`."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.passing = threading.Event()
        self.passing.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.open: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    @contextmanager
    def listening(self) -> Iterator["Silence"]:
        self._begin(self._accept)
        try:
            yield self
        finally:
            self.passing.set()
            for one in (self.listener, *self.open):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in self.threads:
                thread.join(10)
            self.listener.close()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """What is sent meanwhile arrives after it, as TCP would send it again."""
        self.passing.clear()
        try:
            yield
        finally:
            self.passing.set()

    def _begin(self, work: Callable[..., None], *args: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self._begin(self._pass, client)

    def _pass(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self.open.append(client)
            self.passing.wait()
            with socket.create_connection(("127.0.0.1", self.upstream), timeout=10) as server:
                server.settimeout(None)
                self.open.append(server)
                back = self._begin(self._pump, server, client)
                self._pump(client, server)
                back.join()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        """One direction, until its end."""
        with suppress(OSError):
            while part := source.recv(65536):
                self.passing.wait()
                target.sendall(part)
        self.passing.wait()
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
