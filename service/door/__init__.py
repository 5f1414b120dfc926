"""The door, which every request passes before any route: who asks, how much it may send, how long it may take, whose turn it is.

In comes the connection (`connection`, `connections`) and what is asked over it; out goes the request to the application with
its `Actor` in `scope["state"]["actor"]`, or a problem document. Nothing of a body is read for somebody who may not send
one. Routes never import it.
"""
