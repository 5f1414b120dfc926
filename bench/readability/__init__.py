"""How easy the report is to read: its sentences as they are rendered, in three languages, by the formula of each."""
