"""The commands below `caudal reference`.

Only `caudal.cli` imports this room.
"""
