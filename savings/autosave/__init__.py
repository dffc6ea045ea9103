"""Auto-save: rules that pay into a plan or the stash again and again, from the stash or a saved card.

A rule's next date is announced the day before, as a run: what is announced is what is charged. `runs` carries them out.
"""

from savings.autosave.amounts import Preview, preview
from savings.autosave.announcing import recheck
from savings.autosave.coming import Coming, coming, reaches_goal_on
from savings.autosave.filling import filling, filling_columns
from savings.autosave.rules import (
    MOST_RULES,
    change_rule,
    create_rule,
    end_rules,
    pause_rule,
    resume_rule,
    skip_next,
    stop_rule,
)
from savings.autosave.runs import carry_out_due, why_failed
from savings.autosave.stops import reason_of_plan, sentence
from savings.autosave.terms import Terms, needs_fresh_sign_in

__all__ = [
    "MOST_RULES",
    "Coming",
    "Preview",
    "Terms",
    "carry_out_due",
    "change_rule",
    "coming",
    "create_rule",
    "end_rules",
    "filling",
    "filling_columns",
    "needs_fresh_sign_in",
    "pause_rule",
    "preview",
    "reaches_goal_on",
    "reason_of_plan",
    "recheck",
    "resume_rule",
    "sentence",
    "skip_next",
    "stop_rule",
    "why_failed",
]
