"""The client of the HTTP service: typed calls, and the caller's own checks of what comes back.

Only `transport` imports httpx, and only when a `Client` is made.
"""

from .client import Client
from .errors import ServiceError, ServiceUnavailable

__all__ = ["Client", "ServiceError", "ServiceUnavailable"]
