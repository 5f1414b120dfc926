"""Capture files in, packets or export datagrams out: pcap, pcapng, IPFIX files, damaged or not.

Imported by live capture, which has the same frames, and by what reads files.
"""
