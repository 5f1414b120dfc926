"""Secret factors that protect contributors from each other, and what is told of traffic that they moved.

Imported by evaluation and by what tells numbers of a single month.
"""
