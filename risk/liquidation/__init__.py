"""What happens to an account that is liquidated: amounts, fees, auctions, agents, bad debt.

Of no one protocol, and exact: integers and fractions, nothing rounded unless a module says so. What
named protocols do, with their roundings, is in `presets`.

    rule          close factor, penalty, the protocol's share, what may be left over
    position      holdings and accounts; health
    close         one liquidation: one debt repaid, one collateral seized
    target        the smallest one that restores a target health
    sequence      the liquidation of a whole account
    decay         how the price of a Dutch auction falls
    auction       Dutch auctions: price, takes, resets, the course as a table
    backstop      who bears the debt that is left: funds, pools, lenders
    deleveraging  which profitable traders give up their gains first
    depth         order books and constant-product pools
    flash         agents who liquidate with flash loans along a depth curve

What a policy says, in these terms:

    of_policy       a policy's account and rule
    policy_auction  the auction of what is seized, by a policy's terms
    report          the liquidation of a portfolio under a policy, step by step
"""
