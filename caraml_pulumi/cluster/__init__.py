"""A local Kubernetes control plane for development and tests: real servers on loopback, a fake node, no containers."""
