"""The cases of a trust: what is to be done, all cases, one case with its story, and entering or changing one by form."""

from fastapi import APIRouter

from registry.web.trust.cases import listing, worklist

router = APIRouter()

for each in (worklist, listing):
    router.include_router(each.router)
