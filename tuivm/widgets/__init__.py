"""Reusable Textual widgets and messages; they know the core and nothing above them."""
