"""What happens to an account that is liquidated: amounts, fees, auctions, agents, bad debt."""
