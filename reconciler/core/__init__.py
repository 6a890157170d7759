"""Pure values and functions: no network, files, clock, environment or output."""
