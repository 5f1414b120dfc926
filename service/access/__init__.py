"""Access: roles, keys, tokens, people, and the record of what was done.

In comes what a request says of its sender (`Authorization`, a session); out goes an `Actor`, and one decision,
`decide`, for everything that anybody may want. Routes and the door import it; it imports neither.
"""
