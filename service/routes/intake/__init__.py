"""Routes of collectors and of those who look after batches: sending, finding, taking back, counting again."""
