"""The command: arguments, wiring, printing, exit codes; no decisions."""
