"""What an indicator is: definition, context, flow cells, estimates with intervals, observations.

Imports no room of the indicators.
"""
