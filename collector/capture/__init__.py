"""Capture files: their packets, metered, and the export datagrams in them."""
