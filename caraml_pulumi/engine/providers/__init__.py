"""The providers that the embedded engine knows: Kubernetes, Python dynamic providers, stack references."""
