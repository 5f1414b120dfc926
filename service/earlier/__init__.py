"""What earlier versions stored in another form, read a last time when a store is migrated.

In come texts as they were stored; out goes what this version stores in their place.
"""
