"""Measurements of this project, beside what one would use instead; `make bench` runs them."""
