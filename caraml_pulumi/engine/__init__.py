"""The embedded engine: runs an unmodified Pulumi Python program where the Pulumi CLI is not installed.

It speaks Pulumi's own protocols (ResourceMonitor, Engine, Analyzer, ResourceProvider) and keeps state in Pulumi's own
self-managed backend format, so that the Pulumi CLI continues where it stopped, and the other way round.
"""
