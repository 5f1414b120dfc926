"""The API wired and served: settings, store, reference and clock in, an application out.

Imported by the commands that serve, and by tests.
"""
