"""The pages that anybody may see. Figures come through the public database role, which can read what is released and nothing else.

Each page works without scripts. Downloads stand at stable addresses and carry an ETag of their content.
"""

from fastapi import APIRouter

from registry.web.public import about, compare, index, measures, regions, trusts
from registry.web.public.frame import FRESH, READER, download, page, reading

__all__ = ["FRESH", "READER", "download", "page", "reading", "router"]

router = APIRouter()
# Trusts, comparison and regions before the measures: addresses of theirs would fit both.
for each in (index, trusts, compare, regions, measures, about):
    router.include_router(each.router)
