"""The rules of the dataset, by what they look at; importing this package fills the catalogue.

Numbers: 1-29 the file, 30-69 one cell, 90-99 the rows of a file, 100-189 a case, 200-249 an RCA, 250-299 the returns,
300-349 the register, 350-449 what is sent as FHIR. A number is never given twice, nor again after its rule is withdrawn.
"""

from schemas.rules import case, cell, clot, fhir, file, outcome, rca, register, returns, rows

__all__ = ["case", "cell", "clot", "fhir", "file", "outcome", "rca", "register", "returns", "rows"]
