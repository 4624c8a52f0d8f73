"""The Kubernetes provider of the embedded engine."""

from caraml_pulumi.engine.providers.kubernetes.provider import KubernetesProvider

__all__ = ["KubernetesProvider"]
