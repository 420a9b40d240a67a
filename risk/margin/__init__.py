"""Portfolio margin: the worst of public scenarios over netted positions, exact."""
