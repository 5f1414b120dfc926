"""Templates in, layouts out: which element lies where in a record, and how the compiled loop reads it.

Imported by the rooms of decoding, and by what remembers templates.
"""
