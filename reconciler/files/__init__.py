"""YAML files to desired state; the only part of the package that reads policies from disk."""
