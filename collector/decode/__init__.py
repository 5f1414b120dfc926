"""Export datagrams in, flow records and a ledger out: NetFlow v5, v7, v9, IPFIX, sFlow, any mix of exporters.

Imported by the pipeline, and by what keeps or shows the state of decoders.
"""
