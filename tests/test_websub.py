"""A hub and a subscriber that nobody here wrote: found through our feed, subscribed, and pushed what a GET of the feed answers."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import flask
import httpx
import pytest
from flask_websub.hub import Hub, SQLite3HubStorage
from flask_websub.subscriber import (
    SQLite3SubscriberStorage,
    SQLite3TempSubscriberStorage,
    Subscriber,
    discover,
)
from werkzeug.serving import BaseWSGIServer, make_server

from serving import DOCUMENTS, program, running


class Threads:
    """What the hub asks of Celery: a function becomes a task whose `delay` runs it beside the caller."""

    def task(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        return lambda function: _Task(function, options.get("bind", False))


class _Task:
    def __init__(self, function: Callable[..., Any], bound: bool) -> None:
        self.function = function
        self.bound = bound

    def delay(self, *arguments: Any) -> None:
        given = (self, *arguments) if self.bound else arguments
        threading.Thread(target=self.function, args=given, daemon=True).start()


@pytest.fixture
def web() -> Iterator[tuple[flask.Flask, BaseWSGIServer]]:
    """A site for the hub and the subscriber."""
    app = flask.Flask(__name__)
    app.config["PUBLISH_SUPPORTED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app, server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_subscriber_that_found_the_hub_in_our_feed_is_pushed_what_the_feed_says(
    dsn: str, tmp_path: Path, web: tuple[flask.Flask, BaseWSGIServer]
) -> None:
    app, server = web
    place = f"127.0.0.1:{server.port}"
    hub = Hub(SQLite3HubStorage(str(tmp_path / "hub.db")), Threads(), SIGNATURE_ALGORITHM="sha256", REQUEST_TIMEOUT=20)
    app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
    keeps = SQLite3SubscriberStorage(str(tmp_path / "s.db")), SQLite3TempSubscriberStorage(str(tmp_path / "t.db"))
    subscriber = Subscriber(*keeps, REQUEST_TIMEOUT=20)
    app.register_blueprint(subscriber.build_blueprint(url_prefix="/callbacks"))
    agreed: Queue[str] = Queue()
    pushed: Queue[bytes] = Queue()
    subscriber.add_success_handler(lambda topic, callback, mode: agreed.put(mode))
    subscriber.add_listener(lambda topic, callback, body: pushed.put(body))
    environ = {"OGP_HUBS": f"http://{place}/hub", "OGP_ALLOWED_RECEIVERS": place}
    with running("--sample", "--database-url", dsn, **environ) as (_, url):
        found = discover(f"{url}/feed.atom", timeout=20)
        assert found == {"hub_url": f"http://{place}/hub", "topic_url": f"{url}/feed.atom"}
        with app.test_request_context(base_url=f"http://{place}"):
            subscriber.subscribe(**found)
        assert agreed.get(timeout=20) == "subscribe"
        # The hub notes a subscription when it has the answer to its question.
        time.sleep(0.5)
        program("import", str(DOCUMENTS / "twin.txt"), "--database-url", dsn)
        body = pushed.get(timeout=30)
        assert body == httpx.get(f"{url}/feed.atom", timeout=20).content
        assert b"Commitment 5" in body
