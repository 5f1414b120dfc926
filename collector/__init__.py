"""Runs at the operator: from exported datagrams or packets to the batch that leaves."""
