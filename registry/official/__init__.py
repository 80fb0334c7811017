"""Readers of official files: bytes in, rows and faults out. No database, clock or network.

The files are public: the register of organisations, the Organisation Data Service's downloads, and the quarterly national
risk-assessment figures. Every fault of a file is found at once; a row with an error is left out, one with a warning is kept.
"""

from registry.official.files import Fault, Severity
from registry.official.ods import Succession, read_ods, read_successions
from registry.official.organisations import KINDS, Organisation, read_organisations
from registry.official.risk_assessment import RiskAssessment, read_risk_assessments

__all__ = [
    "KINDS",
    "Fault",
    "Organisation",
    "RiskAssessment",
    "Severity",
    "Succession",
    "read_ods",
    "read_organisations",
    "read_risk_assessments",
    "read_successions",
]
