"""What people see of an operation: a pure model of its events, and displays of that model.

`tree` turns engine events into rows; `table`, `diff`, `summary` and `document` render them; `progress` (a terminal) and
`lines` (a log or a pipe) show them while they come.
"""
