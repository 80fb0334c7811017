"""The pages of trusts and health boards: what is due, sending a file, its outcome, matching headings and codes, templates."""

from fastapi import APIRouter

from registry.web.trust import (
    activity,
    attributed,
    calendar,
    cases,
    changes,
    home,
    match,
    mend,
    quality,
    review,
    signing,
    submissions,
    trail,
    upload,
    users,
)

router = APIRouter()

for each in (
    home,
    upload,
    match,
    mend,
    changes,
    submissions,
    activity,
    calendar,
    quality,
    signing,
    cases,
    review,
    attributed,
    users,
    trail,
):
    router.include_router(each.router)
