"""A process of its own with an `Embedded`, for test_embedded: it obeys one word a line and answers with a line of JSON.

All modules are imported before the switch of user, as another user may not be able to enter this interpreter's home.
"""

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path
from threading import Thread

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store import embedded, postmaster


def become(user: str) -> None:
    """Switch to a user id for good."""
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))


def startup(path: str) -> str:
    """What a server answers to a client that wants to be the superuser: R asks for more or lets in, E refuses."""
    parameters = b"user\0ogp\0database\0postgres\0\0"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(path)
        client.sendall((len(parameters) + 8).to_bytes(4, "big") + (196608).to_bytes(4, "big") + parameters)
        return client.recv(1).decode()


def fork() -> int:
    """A forked child that lives on and knows nothing of the server; gives its process number."""
    pid = os.fork()
    if pid == 0:
        time.sleep(30)
        os._exit(0)
    return pid


def start_in_thread(server: embedded.Embedded) -> None:
    thread = Thread(target=server.start)
    thread.start()
    thread.join()


def obey(server: embedded.Embedded, word: str, argument: str) -> object:
    actions = {
        "start": server.start,
        "start-in-thread": lambda: start_in_thread(server),
        "watch": server.watch,
        "stop": server.stop,
        "fork": fork,
        "knock": lambda: startup(argument),
    }
    return actions[word]()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--user")
    parser.add_argument("--site")
    parser.add_argument(
        "--let-live", action="store_true", help="leave the server behind, as where PDEATHSIG is unknown"
    )
    chosen = parser.parse_args()
    if chosen.site:
        sys.path.insert(0, chosen.site)
    if chosen.let_live:
        postmaster._ending_with_parent = lambda farewell: None
    if chosen.user:
        become(chosen.user)
    server = embedded.Embedded(chosen.directory)
    for line in sys.stdin:
        word, _, argument = line.rstrip("\n").partition(" ")
        answer: dict[str, object] = {}
        try:
            answer["result"] = obey(server, word, argument)
        except (StoreUnavailable, OSError) as error:
            answer |= {"error": type(error).__name__, "detail": str(error)}
        answer |= {"owner": server.owner, "dsn": server.dsn if server._sockets else None}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
