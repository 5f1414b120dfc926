"""Tables and pictures in a terminal, for every command that shows the same things.

Commands and the demo import this room; it computes nothing.
"""
