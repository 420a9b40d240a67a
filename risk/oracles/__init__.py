"""Prices before they are believed: aggregation, freshness, bounds, delays, and what failure does.

One module for each rule. What a caller got wrong (a float, a negative threshold, a time that runs
backwards) raises InputError. What the market or a source got wrong (stale, far off, missing) is an
answer: a `Refusal` with every reason and the source that gave it. No rule reads a clock: the time
is an argument, a UTC datetime in whole seconds or seconds since 1970.

    aggregate     many sources to one price: OCR's ranked observation, median, trimmed mean
    update        when a feed makes a new round, and when a round is too old
    confidence    price ± σ: collateral low, debt high
    pyth          Pyth's fixed-point prices, and the price and σ that publishers' quotes make
    delay         Maker's oracle security module
    growth_cap    Aave's cap on the exchange rate of a yield-bearing asset
    price_cap     Aave's caps on pegged assets and on principal tokens
    compare       two sources against each other; time-weighted averages
    breaker       circuit breaker
    sentinel      Aave's grace period after an outage of a rollup's sequencer
    fallback      an order of sources
    branch_feed   Liquity v2's price feeds: last good price and shutdown
    feed_rule     what a feed is made of: sources, rules, state
    feed          all of it as one stated rule
"""
