"""When an object is ready, told kind by kind, and why it is not."""
