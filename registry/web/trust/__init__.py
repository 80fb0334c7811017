"""The pages of trusts and health boards: what is due, sending a file, its outcome, matching headings and codes, templates."""

from fastapi import APIRouter

from registry.web.trust import home, match, mend, submissions, upload

router = APIRouter()

for each in (home, upload, match, mend, submissions):
    router.include_router(each.router)
