"""`/api`: the doors for programs. Every route stands in `/api/openapi.json`."""

from registry.web.api import dataset, me, submissions
from registry.web.api.description import SCHEMES

__all__ = ["SCHEMES", "routers"]

routers = (submissions.router, me.router, dataset.router)
