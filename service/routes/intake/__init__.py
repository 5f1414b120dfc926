"""Routes of collectors and of those who look after batches: sending, finding, taking back, counting again.

Only the API imports it.
"""
