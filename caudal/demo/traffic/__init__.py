"""An economy that does not exist, and its traffic, made up: what the demo, the benches and the tests know the truth of.

Imported by the rest of the demo, the benches and tests.
"""
