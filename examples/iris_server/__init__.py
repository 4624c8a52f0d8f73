"""A sample custom model server: see README.md."""
