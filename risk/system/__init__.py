"""Many accounts at once: liquidations that move the prices that liquidate others.

The modules, by what they are about:

    terms, accounts, accounts_csv        the accounts of a system and the policy they are under
    market                               price impact, the oracle, the liquidators
    offers                               who may be liquidated, and what liquidators make of it
    ledger, cascade, run                 one step, whose ledger adds up; a whole cascade
    spiral                               the shock at which liquidations feed themselves
    report, report_json                  all of it together

Everything here is in doubles and describes. Whether one account is healthy, and what a liquidation
of it does to the last unit, is for `risk/health.py` and `risk/liquidation` to say.
"""
