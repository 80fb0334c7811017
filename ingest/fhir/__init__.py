"""The reader and writer of FHIR R4: bytes to units, their faults each at its own FHIRPath, and resources back."""
