"""Assets that are claims on other assets: look-through, loops, bridges."""
