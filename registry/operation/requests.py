"""What the web counts of each request, and of its connections: by the route's template, so that no address and no number is in it.

Several processes answer on one port. prometheus-client keeps the counts of each in a file that the others can read; it decides so when
it is imported, which is why nothing but the web application imports this module (see `exposed.together`).
"""

from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import event
from sqlalchemy.pool import Pool

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120)
OF = "hat_role"
"""Where a connection's role is noted while it is in use."""

requests = Counter("hat_requests", "Requests answered.", ["method", "route", "status"])
seconds = Histogram(
    "hat_request_seconds", "From a request's head to the end of its answer.", ["route"], buckets=SECONDS
)
at_work = Gauge("hat_requests_at_work", "Requests being answered.", multiprocess_mode="livesum")
connections = Gauge(
    "hat_connections_in_use", "Connections in use, by database role.", ["role"], multiprocess_mode="livesum"
)


def ended(method: str, route: str, status: int, took: float) -> None:
    """Count one request; `took` is in seconds."""
    requests.labels(method, route, status).inc()
    seconds.labels(route).observe(took)


def count_connections() -> None:
    """Count the connections of every pool of this process from now on."""
    event.listen(Pool, "checkout", _taken)
    event.listen(Pool, "checkin", _given_back)


def _taken(driver: Any, record: Any, _proxy: object) -> None:
    """A connection that turns out to have ended is told to us again, as the one in its place."""
    if OF not in record.record_info:
        role = str(driver.info.user)
        record.record_info[OF] = role
        connections.labels(role).inc()


def _given_back(_driver: object, record: Any) -> None:
    role = record.record_info.pop(OF, None)
    if role is not None:
        connections.labels(role).dec()
