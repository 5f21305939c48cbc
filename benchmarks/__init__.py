"""Figures as ratios in one run against a reference: `make bench`."""
