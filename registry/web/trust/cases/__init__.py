"""The cases of a trust: what is to be done, all cases, one case with its story, and entering or changing one by form."""

from fastapi import APIRouter

from registry.web.trust.cases import acting, editing, entry, listing, page, worklist

router = APIRouter()

# The form of a new case stands before any case by its id.
for each in (worklist, listing, entry, editing, acting, page):
    router.include_router(each.router)
