"""Located flow records in, the sums of cells by window out; cells of few hosts are folded.

Imported by the pipeline.
"""
