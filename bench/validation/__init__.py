"""Whether the intervals mean what they say: known traffic, metered and evaluated again and again."""
