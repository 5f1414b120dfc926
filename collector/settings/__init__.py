"""A settings file, the environment and options in, validated settings out.

Imported by what builds a collector, never by what decodes or counts.
"""
