"""Closed windows in, acknowledged batches out: backlog, spool on disk, HTTP client, and what a refusal means.

Imported by the daemon and by what checks the way to the service.
"""
