"""Service tags: which platform a flow belongs to, by the names seen in DNS answers, TLS and QUIC.

Names are read, compared with the list of domains, and forgotten: what is kept is the number of a platform.
"""
