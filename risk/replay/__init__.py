"""What historical prices would have done to an account."""
