"""Announcements and settings in, the sampling rate of each record out, and which rates are believed.

Imported by the rooms of decoding that multiply.
"""
