"""Measures whole `caraml` processes against the same work done by a bare HTTP client, in the same run."""
