"""Packets in, flow records into the pipeline: the metering process for mirror ports and captures of traffic.

Imported by the daemon and by what reads files.
"""
