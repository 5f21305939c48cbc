"""Every error that a user can meet.

    OpenDataError
    ├── Refused              exit 1
    │   ├── BadRequest       400  a parameter that cannot be read
    │   ├── Unauthorized     401  no key, or none that is known
    │   ├── Forbidden        403  a key that is not for this
    │   ├── NotFound         404
    │   ├── MethodNotAllowed 405
    │   ├── NotAcceptable    406
    │   ├── Gone             410  a record that was withdrawn
    │   │   ├── CursorGone   410  a place in a history that is no more
    │   │   ├── PastSunset   410  a deprecated address or parameter whose time is over
    │   │   └── ImportExpired 410 a plan that was kept for its time
    │   ├── ChangedSince     409  what a change rested on has another version now
    │   ├── UnderWay         409  the same request is being carried out
    │   ├── PreconditionFailed 412 another version than the request is about
    │   ├── UriTooLong       414
    │   ├── RangeNotSatisfiable 416
    │   ├── DocumentRefused  422  a document that is not what it should be
    │   │   ├── ContentTooLarge 413
    │   │   └── UnsupportedMediaType 415
    │   ├── ConfirmationNeeded 422  a change so large that its figure must be typed back
    │   ├── KeyReused        422  an Idempotency-Key that came with another request
    │   ├── PreconditionRequired 428 a change that must say which version it is about
    │   └── TooManyRequests  429
    │       └── QuotaExceeded 429  more reads that had to be worked out than one client may ask for
    └── StoreUnavailable     503, exit 3
        └── NewerProgram     503, exit 1  an older program only reads

The class docstring is the title; `code` never changes and names the page /docs/errors/{code}, which tells the cause, an
example and the remedy. All of that stands here and nowhere else.
"""

from typing import Any


class OpenDataError(Exception):
    """Something went wrong."""

    code = "internal-error"
    status = 500
    exit_code = 1
    cause = "The program met something that its authors did not foresee."
    example = "any request"
    remedy = (
        "Try again in a minute. If it stays, tell the publisher the `instance` of the answer: it names the "
        "request in the log."
    )

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    @classmethod
    def titled(cls) -> str:
        return (cls.__doc__ or "").rstrip(".")


class Refused(OpenDataError):
    """The request cannot be carried out."""

    code = "refused"
    status = 422
    cause = "What was asked for cannot be done with this input, or in this state."
    example = "ogp-open-data serve --port 80, where another program has that port"
    remedy = "Read `detail`: it says what stands in the way."


class BadRequest(Refused):
    """The request has a parameter that cannot be read."""

    code = "bad-request"
    status = 400
    cause = "A parameter is unknown, given twice, or has a value that it cannot have; or the address is not UTF-8 text."
    example = "GET /v1/commitments?staus=delayed"
    remedy = (
        "Mend each fault in `errors`, which names the parameter and what it takes. /docs lists the parameters of "
        "every address."
    )


class Unauthorized(Refused):
    """A key is needed, and this is none."""

    code = "unauthorized"
    status = 401
    cause = "The request has no key, or one that is unknown or revoked; which of these is not told."
    example = "POST /v1/imports … without Authorization"
    remedy = "Send `Authorization: Bearer KEY` with the key that the office gave you; ask it for another where that is refused."


class Forbidden(Refused):
    """The key is not for this."""

    code = "forbidden"
    status = 403
    cause = "The key is known, but not for this action, or not for an agency that the change speaks for."
    example = "DELETE /v1/reports/… with a key that may import only"
    remedy = "Ask the office for a key with that action, or for the agencies in `ids`."


class NotFound(Refused):
    """There is nothing at this address."""

    code = "not-found"
    status = 404
    cause = (
        "The address is misspelt, or names a record, release or format that never was. A record that was "
        "withdrawn is 410."
    )
    example = "GET /v1/plans/nz-nap99"
    remedy = "Begin at /v1, which links to everything; each list links to its records."


class MethodNotAllowed(Refused):
    """This address does not take that method."""

    code = "method-not-allowed"
    status = 405
    cause = "The address is there, but cannot be asked in this way."
    example = "DELETE /v1/plans"
    remedy = "Use one of the methods in the field `Allow` of the answer."


class NotAcceptable(Refused):
    """None of the media types that were asked for can be given."""

    code = "not-acceptable"
    status = 406
    cause = "`Accept` names only media types that this address does not have."
    example = "GET /v1/plans with Accept: image/png"
    remedy = "Ask for one of the media types in `available`, or use an address with a suffix, /v1/plans.csv."


class Gone(Refused):
    """The record was withdrawn."""

    code = "gone"
    status = 410
    cause = "The record was published once, and withdrawn for the reason in `detail`."
    example = "GET /v1/reports/… of a withdrawn report"
    remedy = (
        "Take it out of your copy. `last_version` still shows what it said, `successor` what stands in its place,"
        " if anything does."
    )


class CursorGone(Gone):
    """The place to go on from is gone."""

    code = "cursor-gone"
    cause = (
        "The publisher's history began anew, from a backup for example, so a place in the old one means nothing now."
    )
    example = "GET /v1/changes?since=rehearsal-410"
    remedy = "Take a fresh copy from `snapshot`, then go on from `resume_after`."


class PastSunset(Gone):
    """This was deprecated, and its time is over."""

    code = "past-sunset"
    cause = "Its end was announced at least 180 days before, in the answers themselves and on /docs/deprecations."
    example = "GET /v1/… of an address past its Sunset"
    remedy = "Use `successor` where there is one; `docs` says why it ended."


class UriTooLong(Refused):
    """The address is too long."""

    code = "uri-too-long"
    status = 414
    cause = "The address is longer than 8,000 characters."
    example = "GET /v1/plans?id=… with more ids than fit"
    remedy = "Ask in parts, or take the whole list as CSV or NDJSON and choose from it."


class RangeNotSatisfiable(Refused):
    """The file has no such part."""

    code = "range-not-satisfiable"
    status = 416
    cause = "`Range` begins behind the end of the file, which may be another, shorter one by now."
    example = "GET /v1/plans.csv with Range: bytes=9999999999-"
    remedy = "Ask for a part within `size`, or for the whole. `If-Range` with the ETag gives the whole where the file changed."


class DocumentRefused(Refused):
    """The document cannot be imported."""

    # Of a table: its header and the rows that have faults, with the columns `row` and `error` more.
    rejected: list[list[str]] = []
    code = "document-refused"
    status = 422
    cause = "It is damaged, empty, too large, of a kind that is not read here, or holds no report and no plan."
    example = "ogp-open-data import picture.png"
    remedy = (
        "`detail` names what was found. Send the report as text, HTML, Markdown, DOCX or a table; "
        "docs/importing.md has examples."
    )

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, **{"findings": [], **extra})


class ContentTooLarge(DocumentRefused):
    """The document is too large."""

    code = "content-too-large"
    status = 413
    cause = "The body has more bytes than a report has, by far."
    example = "POST /v1/imports … with 11 MB"
    remedy = "Send one report, without its pictures."


class UnsupportedMediaType(DocumentRefused):
    """Documents of this type are not read."""

    code = "unsupported-media-type"
    status = 415
    cause = "`Content-Type` names a type that is not read, or none that a change may come in."
    example = "POST /v1/imports … with Content-Type: application/pdf"
    remedy = "Save the document as one of the types that `detail` lists, and send it with that type."


class ChangedSince(Refused):
    """What this change rested on has changed since."""

    code = "changed-since"
    status = 409
    cause = (
        "Somebody published between your look and your change, and a record that you looked at has another version now."
    )
    example = "ogp-open-data import report.html --apply with an old plan"
    remedy = "Look again, then decide again: ask for a new plan of the same document and apply that."


class ConfirmationNeeded(Refused):
    """So much would change that it must be confirmed."""

    code = "confirmation-needed"
    status = 422
    cause = (
        "The change would withdraw or rewrite a large share of what is published, which is more often a slip than"
        " a wish."
    )
    example = "ogp-open-data import half-a-plan.csv"
    remedy = "Check what would change. If it is meant, repeat it with the figure that `detail` names."


class ImportExpired(Gone):
    """The import was not applied in its time."""

    code = "import-expired"
    cause = (
        "A plan is kept for a day; this one was not applied in that time, or newer ones of the same key took its place."
    )
    example = "POST /v1/imports/…/apply after two days"
    remedy = "Hand the document in again, and apply the plan that comes of it."


class UnderWay(Refused):
    """The same request is being carried out."""

    code = "under-way"
    status = 409
    cause = "The same request, by its `Idempotency-Key`, came before and is not done."
    example = "POST /v1/imports/…/apply, twice at once"
    remedy = "Send it again in a few seconds: you get the answer of the first."


class PreconditionFailed(Refused):
    """The record is not the one that was looked at."""

    code = "precondition-failed"
    status = 412
    cause = "`If-Match` names another version of the record than stands now."
    example = "PATCH /v1/commitments/… with If-Match of last week"
    remedy = "Read the record again; if your change still holds, send it with the new `ETag`."


class PreconditionRequired(Refused):
    """The request must say which version of the record it is about."""

    code = "precondition-required"
    status = 428
    cause = "A change of a record that does not say which version it is about could undo what somebody else just did."
    example = "DELETE /v1/reports/… without If-Match"
    remedy = "Read the record and send its `ETag` in `If-Match`."


class KeyReused(Refused):
    """The Idempotency-Key came with another request before."""

    code = "idempotency-key-reused"
    status = 422
    cause = "A key names one request for a day, and this is another one: its address or body differ."
    example = "POST /v1/imports/… with the Idempotency-Key of another"
    remedy = "Make a new key, a UUID, for each request that is not a repetition."


class TooManyRequests(Refused):
    """Too many requests came from there."""

    code = "too-many-requests"
    status = 429
    cause = "Many wrong keys came from this address, or for this key, in a short time."
    example = "POST /v1/imports … with a hundred wrong keys"
    remedy = (
        "Wait for as many seconds as `Retry-After` says, and mend the key. A key that was right lately is not slowed."
    )


class QuotaExceeded(TooManyRequests):
    """More was asked for than one client may."""

    code = "quota-exceeded"
    cause = "More searches, tables or addresses that nobody asked for lately came from this client than it may ask for in a minute."
    example = "GET /v1/commitments?q=… for each word of a dictionary"
    remedy = (
        "Wait for as many seconds as `Retry-After` says; `RateLimit` tells what is left. Take whole tables or /v1/changes "
        "instead of many small reads. What was asked for lately is answered from memory and not counted."
    )


class StoreUnavailable(OpenDataError):
    """The data store cannot be reached."""

    code = "store-unavailable"
    status = 503
    exit_code = 3
    cause = "PostgreSQL cannot be reached, is starting, or did not answer in time."
    example = "GET /v1/… while the database restarts"
    remedy = "Try again after `Retry-After` seconds. Operators: /readyz says what is wrong."


class NewerProgram(StoreUnavailable):
    """A newer program writes to this database."""

    code = "newer-program"
    exit_code = 1
    cause = (
        "The database has a schema, or records in a shape, that this older program does not know. It goes on reading."
    )
    example = "POST /v1/imports … at an instance that is still to be updated"
    remedy = "Try again after `Retry-After` seconds. Operators: start the newer version here too."


def every(of: type[OpenDataError] = OpenDataError) -> list[type[OpenDataError]]:
    """An error and all that are kinds of it."""
    return [of, *(one for child in of.__subclasses__() for one in every(child))]
