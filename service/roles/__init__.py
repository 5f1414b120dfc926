"""Rights as tables: roles, scopes, actors, and every entrance with the resource it needs.

Decides nothing by itself and stores nothing; the door and access apply it.

Imported by the door, access, settings and routes.
"""
