"""The evaluation of a programme: choose the change and the phase-in, read the ratio, the regression and every count behind them.

`released` works on what is public, `typed` on counts that a reader brings along, `inside` on exact counts for the nation's analysts;
a trust's own stands with its figures (`registry.web.own.evaluation`). All four show the same page part.
"""

from registry.web.evaluation import inside, released, typed

routers = (released.router, typed.router, inside.router)
