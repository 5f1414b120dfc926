"""Facts in, facts with an owner out: whose network, which platform, who controls it; what networks exchange counted once.

The one place where facts are joined with the reference.

Imported by evaluation and months, and by what tells networks of one economy apart.
"""
