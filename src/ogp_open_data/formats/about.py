"""What a file says of itself, wherever it is copied to."""

from datetime import UTC, datetime

from msgspec import Struct


class About(Struct, frozen=True, kw_only=True):
    """Title, release and its time, whose it is, on what terms, and where it came from."""

    title: str
    release: int
    made_at: datetime
    publisher: str
    licence_name: str
    licence_url: str
    address: str

    def facts(self) -> dict[str, str]:
        """The same as texts, by the name that each file gives them."""
        return {
            "title": self.title,
            "release": str(self.release),
            "released_at": self.made_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "publisher": self.publisher,
            "licence": self.licence_name,
            "licence_url": self.licence_url,
            "address": self.address,
        }
