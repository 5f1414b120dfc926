"""From export datagrams to flow records."""
