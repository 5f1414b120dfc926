"""State that survives a restart: what exporters announced, how far they had counted, and who owns the state directory.

Imported by the daemon, the replay and the support file.
"""
