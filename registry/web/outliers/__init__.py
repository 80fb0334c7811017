"""Case mix and outliers, as the nation's analysts and lead work on them, and as a trust is told of its own."""

from registry.web.outliers import mix, notified, policy, worklist

routers = (policy.router, worklist.router, mix.router, notified.router)
