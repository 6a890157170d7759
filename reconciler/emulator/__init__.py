"""A local stand-in for Anypoint, served over HTTP; imports nothing of the rest of the package."""
