"""Every route that may change something has its line of what it leaves in the audit log."""

from registry.access import ROUTES
from registry.app import create_app
from registry.settings import Settings
from registry.store import Store
from tests.attack.trail import TRAIL, changing


def test_every_route_that_changes_something_has_its_line_and_every_line_a_route() -> None:
    app = create_app(Settings(base_url="http://127.0.0.1:8000"), Store({}))
    named = {name for _, _, name in changing(app)}
    assert named == set(TRAIL)
    assert named <= set(ROUTES)
