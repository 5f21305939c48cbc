"""Writes: who asks, what with, and what comes of it."""
