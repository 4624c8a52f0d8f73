"""Promotion: what is deployed and healthy in one environment becomes the release of another."""
