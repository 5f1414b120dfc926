"""Datagrams of sFlow version 5 in, flow records out.

Only the decoder imports it.
"""
