"""Volatility from price histories, and thresholds that follow it."""
