"""The components of caraml-pulumi, hosted for Pulumi programs in every language as the package `caraml`."""
