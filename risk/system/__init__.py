"""Many accounts at once: liquidations that move the prices that liquidate others."""
