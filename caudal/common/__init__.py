"""Small things that every package needs: lines of the log, files written whole, files nobody else may read.

Imports nothing of Caudal; everybody may import it.
"""
