"""The pages of learning: a trust offers, moderators read, a lead publishes, everybody reads and may be told by e-mail."""

from fastapi import APIRouter

from registry.web.lessons import lead, moderation, moderators, own, public, subscribing

router = APIRouter()

for each in (subscribing, public, own, moderation, lead, moderators):
    router.include_router(each.router)
