"""Made-up traffic in, export datagrams out: NetFlow v9 and IPFIX as routers send them.

Imported by the demo and the benches.
"""
