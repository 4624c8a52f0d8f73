"""What ``caraml policy test`` runs: test suites of a policy pack, and files that a pack is to judge."""
