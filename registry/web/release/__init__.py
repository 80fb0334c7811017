"""The release desk: what is on its way to the public, who did what about it, and what each may do next."""

from fastapi import APIRouter

from registry.web.release import desk, views

router = APIRouter()
router.include_router(desk.router)
router.include_router(views.router)
