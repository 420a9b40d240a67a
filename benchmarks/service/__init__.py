"""What the HTTP service can carry: `python -m benchmarks.service`."""
