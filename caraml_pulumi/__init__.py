"""caraml_pulumi."""
