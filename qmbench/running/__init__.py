"""From a suite to records: the plan, the engines that compute it, the store that keeps it."""
