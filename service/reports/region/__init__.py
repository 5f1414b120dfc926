"""The region's report: a month of the economies of a country group side by side, as each published it.

In comes what `Regions` reads of the vintages; a `RegionContent` holds it, a `RegionEdition` says it in a language, and each
form renders that. No figure is computed over economies but medians of what all of them published.
"""
