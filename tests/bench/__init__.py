"""Measures tuivm against its budgets and their references, all in one run."""
