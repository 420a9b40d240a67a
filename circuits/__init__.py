"""What is claimed: from policy, registry and prices to the rows of a statement, and evidence."""
