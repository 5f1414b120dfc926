"""Secret factors that protect contributors from each other, and what is told of traffic that they moved."""
