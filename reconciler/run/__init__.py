"""The whole cycle: load, fetch, diff, plan, check, apply, verify."""
