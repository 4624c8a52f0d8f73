"""State as Pulumi's self-managed backends keep it: checkpoints, history, locks, configuration, secrets."""
