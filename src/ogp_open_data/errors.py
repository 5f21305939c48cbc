"""Every error that a user can meet.

    OpenDataError
    ├── Refused              exit 1
    │   ├── BadRequest       400  a parameter that cannot be read
    │   ├── NotFound         404
    │   ├── MethodNotAllowed 405
    │   ├── NotAcceptable    406
    │   ├── Gone             410  a record that was withdrawn
    │   │   ├── CursorGone   410  a place in a history that is no more
    │   │   └── PastSunset   410  a deprecated address or parameter whose time is over
    │   ├── ChangedSince     409  what a change rested on has another version now
    │   ├── UriTooLong       414
    │   ├── DocumentRefused  422  a document that is not what it should be
    │   └── ConfirmationNeeded 422  a change so large that its figure must be typed back
    └── StoreUnavailable     503, exit 3

The class docstring is the title; `code` names the page under docs/errors/ that explains it and never changes.
"""

from typing import Any


class OpenDataError(Exception):
    """Something went wrong."""

    code = "internal-error"
    status = 500
    exit_code = 1

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    @property
    def title(self) -> str:
        return (type(self).__doc__ or "").splitlines()[0].rstrip(".")


class Refused(OpenDataError):
    """The request cannot be carried out."""

    code = "refused"
    status = 400


class BadRequest(Refused):
    """The request has a parameter that cannot be read."""

    code = "bad-request"
    status = 400


class NotFound(Refused):
    """There is nothing at this address."""

    code = "not-found"
    status = 404


class MethodNotAllowed(Refused):
    """This address does not take that method."""

    code = "method-not-allowed"
    status = 405


class NotAcceptable(Refused):
    """None of the media types that were asked for can be given."""

    code = "not-acceptable"
    status = 406


class Gone(Refused):
    """The record was withdrawn."""

    code = "gone"
    status = 410


class CursorGone(Gone):
    """The place to go on from is gone."""

    code = "cursor-gone"


class PastSunset(Gone):
    """This was deprecated, and its time is over."""

    code = "past-sunset"


class UriTooLong(Refused):
    """The address is too long."""

    code = "uri-too-long"
    status = 414


class DocumentRefused(Refused):
    """The document cannot be imported."""

    code = "document-refused"
    status = 422


class ChangedSince(Refused):
    """What this change rested on has changed since."""

    code = "changed-since"
    status = 409


class ConfirmationNeeded(Refused):
    """So much would change that it must be confirmed."""

    code = "confirmation-needed"
    status = 422


class StoreUnavailable(OpenDataError):
    """The data store cannot be reached."""

    code = "store-unavailable"
    status = 503
    exit_code = 3
