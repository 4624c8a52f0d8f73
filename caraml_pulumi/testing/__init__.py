"""What users test their own stacks with."""
