"""Runs at the operator: from exported datagrams or packets to the batch that leaves."""

# From the root of a checkout, `import collector` would load every module a second time.
if __name__ != "caudal.collector":
    raise ImportError("this is caudal.collector: write `import caudal.collector`")
