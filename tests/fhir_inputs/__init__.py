"""FHIR that others made, sent to our door: HL7's own R4 examples and patients of Synthea. None of it is in this repository.

`python -m tests.fhir_inputs` fetches what the package registries have, checks it against the hashes here, and sends every file.
"""
