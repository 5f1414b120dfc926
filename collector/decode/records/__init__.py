"""Data sets of one layout in, flow records out; what a flow told before is counted once.

Imported by the decoder and by sFlow, which has sampled headers too.
"""
