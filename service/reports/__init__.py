"""The monthly report: in comes a month of a store, out go bytes in any of several forms and three languages.

A report is made from room to room, each knowing only those before it: `content` (figures and facts), `names` and `findings`
(their words), `edition` (all that is said in one language), `pictures` (its drawings), `forms` and `sdmx` (its bytes).
`reports` reads the store and keeps what is made; `region` does as much for a country group. Below them all stand `language`,
`charts`, `typeface` and `geometry`, which know no report.
"""
