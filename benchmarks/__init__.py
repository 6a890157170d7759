"""How fast it is, as ratios within one run. Not shipped; `make bench` runs it."""
