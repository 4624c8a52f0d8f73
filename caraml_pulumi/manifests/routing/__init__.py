"""Routes to versions and models, one module for each kind of gateway."""
