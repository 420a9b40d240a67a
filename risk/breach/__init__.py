"""How likely an account is to fail its test, and how much is lost then. Statistics, in floats."""
