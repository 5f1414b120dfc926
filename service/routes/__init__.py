"""The routes of the API, one module per subject. Handlers parse, call one function, return a model."""
