"""Captured frames in, IP packets as columns out: link layers, tags, labels, and tunnels that are to be opened.

Imported by whatever reads packets: captures, sFlow, packet sections, names.
"""
