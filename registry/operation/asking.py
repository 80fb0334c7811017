"""Numbers that a database is asked for whenever somebody looks."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from registry.store import Store

Asked = Callable[[Connection], Iterable[Metric]]


class Asking(Collector):
    """What `asked` finds with a role's eyes; `away` where the database does not answer."""

    def __init__(self, store: Store, role: str, asked: Asked, away: Iterable[Metric] = ()) -> None:
        self._store, self._role, self._asked, self._away = store, role, asked, tuple(away)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        try:
            with self._store.readonly(role=self._role) as connection:
                found = tuple(self._asked(connection))
        except OperationalError:
            found = self._away
        yield from found
