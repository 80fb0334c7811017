"""`/api/me`: whom a token or a session stands for."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from registry.access import Actor, Right
from registry.store import Store
from registry.submissions.senders import Sender, senders
from registry.web.actor import require
from registry.web.api.answers import Answer, OrganisationOut
from registry.web.api.description import SIGNED_IN
from registry.web.bodies import StrictRoute

router = APIRouter(prefix="/api", route_class=StrictRoute, tags=["account"])


class Held(OrganisationOut):
    """An organisation, and what you are for it."""

    closed: bool = Field(description="It was closed or merged; its cases are still yours to finish")
    roles: list[str] = Field(examples=[["trust_uploader"]])
    declare_opt_out: bool = Field(description="Files of patients need opt_out_screened=true")


class Me(Answer):
    kind: str = Field(description="person or token", examples=["token"])
    name: str = Field(examples=["nightly export"])
    roles: list[str] = Field(examples=[["trust_uploader"]])
    rights: list[str] = Field(examples=[["submit", "read_submissions"]])
    organisations: list[Held]


@router.get("/me", openapi_extra=SIGNED_IN, summary="Who you are")
def me(request: Request, actor: Annotated[Actor, require(Right.OWN_ACCOUNT)]) -> Me:
    """Who the token or session stands for, and the organisations it may act for."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = senders(connection, actor.organisations)
    return Me(
        kind=actor.kind.value,
        name=actor.name,
        roles=sorted(actor.roles),
        rights=[right.value for right in Right if actor.may(right)],
        organisations=[_held(actor, each) for each in found],
    )


def _held(actor: Actor, sender: Sender) -> Held:
    return Held(
        code=sender.code,
        name=sender.name,
        nation=sender.nation.value,
        closed=sender.closed,
        roles=sorted(actor.organisations[sender.id]),
        declare_opt_out=sender.screened,
    )
