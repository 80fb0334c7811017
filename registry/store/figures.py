"""What counting keeps beside the counts: when cases were first reported, and what has been touched since they were counted.

They stand in `figures` and are the worker's alone. Triggers write `touched`, whoever changed the record.
"""

from sqlalchemy import Column, Date, ForeignKey, Integer, Table, Text, Uuid

from registry.store.tables import metadata, organisation

report_count = Table(
    "report_count",
    metadata,
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    # The month of admission of the index stay, and the month in which the case was first reported.
    Column("month", Date, primary_key=True),
    Column("reported", Date, primary_key=True),
    Column("count", Integer, nullable=False),
    schema="figures",
)

touched = Table(
    "touched",
    metadata,
    # A case of the organisation that reported it, by its id, or by the number under which its review stands. No key: rows are only
    # added, and deleted once they were seen.
    Column("reporter_id", Integer, nullable=False),
    Column("case_id", Uuid),
    Column("local_case_id", Text),
    # To which organisation it was attributed before.
    Column("organisation_id", Integer),
    schema="figures",
)
