"""European options on forwards: Black-76 in floats, and in decimals that all machines agree on."""
