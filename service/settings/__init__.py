"""A settings file and the environment in, validated settings of the service out.

Imported by what a service is put together of; never by indicators or evaluation.
"""
