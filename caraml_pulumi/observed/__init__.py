"""What Kubernetes objects say about themselves in their status: conditions, and the troubles of pods and workloads.

Pure functions over objects as the API server gives them, which may be partial: what is missing or of another shape
than expected counts as not there. The engine waits by them, and the states of versions are derived from them.
"""
