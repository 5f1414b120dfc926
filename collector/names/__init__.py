"""Packets in, the platform that a connection belongs to out: by names in DNS answers, TLS, QUIC and plain HTTP.

Names never leave this room. Imported by metering and live capture.
"""
