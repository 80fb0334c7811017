"""Traces of requests and of job runs, sent to a collector by OTLP, where the settings name one.

OpenTelemetry is an extra (`pip install 'hat-registry[otel]'`): without an endpoint nothing of it is imported. A span holds a route's
template, a status, a job's name; never an address, a number or a value. What callers say of their own traces is not taken over.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from registry.settings import SettingsError, TraceRules

Describe = Callable[[str, dict[str, str | int]], None]
"""Gives the span its name and its attributes, once they are known."""
_NOTHING: Describe = lambda _name, _attributes: None  # noqa: E731 (one value of the type above)


@dataclass(frozen=True, slots=True)
class Traces:
    """What takes the spans of one process; `NONE` takes none."""

    tracer: Any = None
    provider: Any = None

    @contextmanager
    def span(self, name: str) -> Iterator[Describe]:
        """One span around the block. A fault that leaves it marks the span, by its kind alone."""
        if self.tracer is None:
            yield _NOTHING
            return
        options = {"record_exception": False, "set_status_on_exception": False}
        with self.tracer.start_as_current_span(name, **options) as span:

            def describe(name: str, attributes: dict[str, str | int]) -> None:
                span.update_name(name)
                span.set_attributes(attributes)

            try:
                yield describe
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    def end(self) -> None:
        """Send what is left."""
        if self.provider is not None:
            self.provider.shutdown()


NONE = Traces()


def begin(rules: TraceRules, part: str) -> Traces:
    """Traces of one part (`web`, `worker`). Raises SettingsError where an endpoint is set and OpenTelemetry is not installed."""
    if rules.endpoint is None:
        return NONE
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
    except ImportError:
        raise SettingsError(
            "HAT_TRACES__ENDPOINT is set, but OpenTelemetry is not installed. Install hat-registry[otel], or leave it empty."
        ) from None
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    resource = Resource({"service.name": f"hat-{part}"})
    provider = TracerProvider(resource=resource, sampler=TraceIdRatioBased(rules.share))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=rules.endpoint)))
    return Traces(provider.get_tracer("hat"), provider)
