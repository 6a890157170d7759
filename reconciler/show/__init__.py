"""Plans and outcomes as text, JSON and Markdown; pure, returns text."""
