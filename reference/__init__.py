"""Facts with a source and a date, and the one loader that validates them."""
