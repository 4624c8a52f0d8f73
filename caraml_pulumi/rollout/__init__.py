"""Progressive delivery: weights are moved step by step to another version, and back when it does not hold."""
