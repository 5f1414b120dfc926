"""Flow records in, where the far end of each is out: direction, AS, country, service; and who counts a flow that several routers see.

Imported by exporters, aggregates and the pipeline.
"""
