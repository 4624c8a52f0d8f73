"""Pure functions from specifications to Kubernetes objects."""
