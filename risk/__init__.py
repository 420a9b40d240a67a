"""Risk without cryptography: the documents, price rounds, and the plain exact check of every claim.

Nothing in this room knows a group or a field. Amounts are integers in the smallest unit, prices and
factors exact decimals; no float decides anything.
"""
