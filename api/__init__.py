"""The HTTP service over the library: routes, access, storage and the transparency log.

It holds no rule that the library does not: what is valid is decided in `verifier`, and what is
healthy in `risk`.
"""
