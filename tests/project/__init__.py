"""How the project itself is built, checked, measured and released."""
