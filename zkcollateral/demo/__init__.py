"""The demonstration: the whole way on synthetic accounts, by commands as a user would type them."""
