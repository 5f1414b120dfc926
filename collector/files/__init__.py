"""Files in, tables out: a capture metered or inspected as the collector would do it.

Imported by the commands `meter` and `inspect`.
"""
