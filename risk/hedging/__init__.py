"""Acting ahead: the smallest deleveraging that restores a ratio, and hedges, with their cost."""
