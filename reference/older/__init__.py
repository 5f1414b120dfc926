"""Rows of facts as earlier versions of the package wrote them, read with today's columns."""
