"""The colours of charts: none tells by its hue alone what it stands for.

Lightness (CIE L*) goes in even steps, so that the shades stay apart in grey and for readers with any form of colour blindness;
what is no country differs by its outline as well. Texts stand beside what they name.
"""

INK = "#16252f"
FAINT = "#53626d"
RULE = "#d5dce1"
PAPER = "#ffffff"
# Seven steps of lightness from 24 to 89, hues chosen to lie furthest apart under the simulations of Machado, Oliveira &
# Fernandes (2009). The economy has the first; then those that differ most from what is beside them.
COLOURS = ("#0b3d57", "#da5f59", "#13b7a2", "#f5b55d", "#3268c4", "#505400", "#f1d6ff")
# A country without a colour of its own, what is put together, what is not known.
COMMON_COLOUR = "#8b979f"
OTHER_COLOUR = "#e9edf0"
UNKNOWN_COLOUR = PAPER
# What stays, leaves, comes.
WAYS = ("#0b3d57", "#6d7f8b", "#b9c6ce")
# Classes of the map from the least to the most.
SHADES = ("#dce9f1", "#a9c8dc", "#6fa2c2", "#34759c", "#0b3d57")
INTERVAL_COLOUR = "#8fb8d3"
ROUTE_COLOUR = "#b3372f"
