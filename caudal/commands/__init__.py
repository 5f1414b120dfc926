"""The commands that do more than call one function: in come options, out go lines, tables and files.

Only `caudal.cli` imports this room.
"""
