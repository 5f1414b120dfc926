"""The collector at work: receives, meters, spools and ships until told to stop; reloads, and says how it is.

Imported by the commands below `collect`, and by what asks a running collector.
"""
