"""Cases, reviews and returns that come as units of FHIR: one at a time within the request, or many in a file, worked on in chunks.

A unit is what stands or falls together. A file of them, or of rows, is a job: a submission that is worked on after its receipt, chunk
by chunk, each of them committed with the outcome of its units.
"""

from registry.submissions.units.jobs import Job, Status, Units, cancel, fail_job, find_job, status, submit_job
from registry.submissions.units.outcomes import outcome_parts
from registry.submissions.units.settled import Settled, Standing
from registry.submissions.units.settling import settle_units
from registry.submissions.units.single import Refused, Stored, kind_of, store_unit, validate
from registry.submissions.units.working import work_job

__all__ = [
    "Job",
    "Refused",
    "Settled",
    "Standing",
    "Status",
    "Stored",
    "Units",
    "cancel",
    "fail_job",
    "find_job",
    "kind_of",
    "outcome_parts",
    "settle_units",
    "status",
    "store_unit",
    "submit_job",
    "validate",
    "work_job",
]
