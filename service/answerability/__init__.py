"""Which indicators answer for which economy, given full traffic: facts go in, a page comes out.

`fulltraffic` makes a month of traffic up, `inputs` makes the other inputs up, `asking` computes every indicator,
`cures` says what would make the others answer and where to get it, and `page` writes docs/coverage-of-facts.md.
"""
