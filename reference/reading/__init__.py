"""Files of facts in, facts out: every cell by its declaration, overlay rows over shipped ones, checked and compared.

Imported by addresses and the reference, and by the commands that check and convert.
"""
