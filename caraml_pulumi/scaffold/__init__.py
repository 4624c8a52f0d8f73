"""A platform's own repository: what `caraml init` writes, and how `caraml add` edits its files."""
