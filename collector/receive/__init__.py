"""The network in, lots of datagrams or packets out: UDP sockets, packet sockets, and when they were listened to.

Imported by the daemon and by what checks a machine.
"""
