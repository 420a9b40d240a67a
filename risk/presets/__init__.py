"""What protocols run, to the last digit: each module is one protocol at one version.

Everything is in the protocol's own integer units and rounds where the protocol rounds. A module
gives the health test, the liquidation test, the amounts of a liquidation, and a policy whose proof
is on the safe side of the protocol's rule.
"""
