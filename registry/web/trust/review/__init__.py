"""The review of a case: screening or full, the consultant, the second reader, actions, what goes on paper; and the pages of whoever
answers as a consultant, with a one-time link or an account."""

from fastapi import APIRouter

from registry.web.trust.review import (
    account,
    asking,
    doing,
    domains,
    link,
    overview,
    paper,
    screening,
    second,
    stages,
)

router = APIRouter()

for each in (overview, screening, stages, asking, second, doing, paper):
    router.include_router(each.router, prefix="/trust/cases/{case_id}/review")
for other in (doing.listing, domains.router, link.router, account.router):
    router.include_router(other)
