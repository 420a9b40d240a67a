"""European options on forwards: Black-76 in floats, and in decimals that every machine agrees on."""
