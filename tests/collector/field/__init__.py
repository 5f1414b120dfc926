"""Reports from the field, each a test with siblings of its kind; see tests/data/field/README.md."""
