"""A Draft becomes edits: pure, from what is claimed and held to what changes."""
