"""The contract between collector and service: the batch, its columns, its origin, and how its bytes are read safely.

The only thing that collector, service and dashboards share. Imports nothing of them.
"""
