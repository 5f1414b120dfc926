"""The commands that speak to a service: `indicators`, `batches`, `keys`, `audit`, `report`.

Only `caudal.cli` imports this room.
"""
