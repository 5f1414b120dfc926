"""Fuzzing of what hostile octets reach; run by `make fuzz`."""
