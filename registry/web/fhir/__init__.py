"""`/fhir/r4`: the door for programs that speak FHIR R4. What it takes and answers stands in its CapabilityStatement."""

from fastapi import APIRouter

from registry.web.fhir import conformance, door, guide, jobs, reading, reports, returns, searching, token

routers: tuple[APIRouter, ...] = (
    conformance.router,
    guide.router,
    token.router,
    door.router,
    returns.router,
    jobs.router,
    reading.router,
    searching.router,
    reports.router,
)
