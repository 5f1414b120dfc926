"""Sequence numbers in, how much an exporter sent that never arrived out.

Imported by the decoder and by what remembers exporters.
"""
