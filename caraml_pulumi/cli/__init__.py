"""The caraml command."""
