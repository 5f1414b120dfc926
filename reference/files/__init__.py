"""Declarations of the files of facts: columns, kinds, key. The list of all files is `catalogue.py`.

Imported by whatever reads, checks or shows facts.
"""
