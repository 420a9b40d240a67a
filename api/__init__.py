"""The HTTP service over the library; the service itself is not here yet."""
