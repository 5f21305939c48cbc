"""Traces for an OpenTelemetry collector: spans of requests, queries, imports, releases and messages. Off, nothing of it is loaded.

A span has no header field, no address, no query and no text of anybody: what could be a secret never gets here.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ogp_open_data import __version__
from ogp_open_data.errors import Refused

P = ParamSpec("P")
T = TypeVar("T")
Fact = str | int
# What a caller says of the trace that it is in (W3C Trace Context).
CARRIED = (b"traceparent", b"tracestate")
OFF: AbstractContextManager[None] = nullcontext()


class Tracing:
    """Where spans of this process go: to a tracer of OpenTelemetry, or nowhere."""

    def __init__(self) -> None:
        self.tracer: Any = None


TRACING = Tracing()


def span(name: str, /, **facts: Fact) -> AbstractContextManager[Any]:
    """The time of a body, within whatever span is open; gives the span, or None where there are none."""
    if TRACING.tracer is None:
        return OFF
    return _begun(name, facts, None)


def request(headers: Iterable[tuple[bytes, bytes]], /, **facts: Fact) -> AbstractContextManager[Any]:
    """The time of a request, within the trace that its caller names."""
    if TRACING.tracer is None:
        return OFF
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in CARRIED}
    return _begun("request", facts, TraceContextTextMapPropagator().extract(carried))


def _begun(name: str, facts: dict[str, Fact], within: Any) -> AbstractContextManager[Any]:
    # What an error says may repeat what was sent, so only that there was one is told.
    begun: AbstractContextManager[Any] = TRACING.tracer.start_as_current_span(
        name, within, attributes=facts, record_exception=False, set_status_on_exception=False
    )
    return begun


def traced(name: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Make every call of a function a span."""

    def decorated(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(function)
        async def within(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name):
                return await function(*args, **kwargs)

        return within

    return decorated


@contextmanager
def told(collector: str | None) -> Iterator[None]:
    """Tell a collector (OTLP over HTTP, http://host:4318) of what happens in the body; nobody where it is None.

    Raises Refused where the extra is not installed.
    """
    if collector is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise Refused("traces need the extra `otel`; install it with: pip install 'ogp-open-data[otel]'") from error
    with kept(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{collector.rstrip('/')}/v1/traces"))):
        yield


@contextmanager
def kept(processor: Any) -> Iterator[None]:
    """Give a processor of OpenTelemetry every span of the body; at its end what waits is sent."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = {"service.name": "ogp-open-data", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    TRACING.tracer = provider.get_tracer("ogp_open_data")
    try:
        yield
    finally:
        TRACING.tracer = None
        provider.shutdown()
