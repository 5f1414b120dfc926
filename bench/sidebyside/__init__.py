"""Old and new values of every indicator side by side: one made-up month, computed before and after methods changed."""
