"""An indicator and its parts: definition, context, flow cells, estimates with intervals, observations.

Imports no room of the indicators.
"""
