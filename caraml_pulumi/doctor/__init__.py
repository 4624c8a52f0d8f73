"""What is installed, reachable and configured, and how to mend what is not. Nothing is changed."""
