"""A settings file and the environment in, validated settings of the service out."""
