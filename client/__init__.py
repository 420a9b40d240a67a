"""The client of the HTTP service: typed calls, and the caller's own checks of what comes back.

Only `transport` imports httpx, and only when a `Client` is made.
"""
