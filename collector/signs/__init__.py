"""Knowledge of the parts of a collector in, sentences for whoever looks after routers out: what is wrong with which exporter.

Imported by what shows, logs or counts the condition of exporters.
"""
