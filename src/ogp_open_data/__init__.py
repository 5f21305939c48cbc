"""Open data of a country's Open Government Partnership plan: reports in, versioned JSON, CSV and Atom out."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`from ogp_open_data import Client`, loaded when it is asked for: the server has no need of it."""
    if name == "Client":
        from ogp_open_data.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
