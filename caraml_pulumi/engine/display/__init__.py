"""What a person, or CI, sees of an operation."""
