"""The platforms.

To add one: 1. a folder here with `auth`, `client`, `convert`, `provider`; 2. a line in the table
of `reconciler.run.platforms`; 3. schemas for its kinds; 4. the shared provider tests.
"""
