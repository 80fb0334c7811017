"""The register of organisations: who there is, who followed whom and when, who sends since when, and each nation's opt-out mode.

An organisation keeps its own id for ever, whatever becomes of its code and name. Every write is audited in its transaction, which
must be one of `SYSTEM_TENANT`.
"""

from registry.register.imports import Change, Difference, import_register, plan, plan_successions, starting_register
from registry.register.imports import apply as apply_difference
from registry.register.opt_out import Mode, OptOut, opt_out_modes, set_opt_out
from registry.register.organisations import (
    Organisation,
    add_independent,
    edit,
    go_live,
    join_activity_only,
    organisation_by_code,
    organisation_by_id,
    organisations,
    predecessors,
    search,
    succeed,
    successor_chain,
    successors,
)

__all__ = [
    "Change",
    "Difference",
    "Mode",
    "OptOut",
    "Organisation",
    "add_independent",
    "apply_difference",
    "edit",
    "go_live",
    "import_register",
    "join_activity_only",
    "opt_out_modes",
    "organisation_by_code",
    "organisation_by_id",
    "organisations",
    "plan",
    "plan_successions",
    "predecessors",
    "search",
    "set_opt_out",
    "starting_register",
    "succeed",
    "successor_chain",
    "successors",
]
