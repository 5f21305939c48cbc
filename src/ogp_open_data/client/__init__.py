"""The other side: read a publisher from Python, or keep a copy of it that proves itself. Knows records, errors and formats only."""

from ogp_open_data.client.publisher import Change, Release
from ogp_open_data.client.reader import Client
from ogp_open_data.client.sync import Difference, Summary, follow, sync
from ogp_open_data.client.wire import Pace

__all__ = ["Change", "Client", "Difference", "Pace", "Release", "Summary", "follow", "sync"]
