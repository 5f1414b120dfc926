"""What tests of several packages use: builders of exports, samples for a service, patience, effort, the search for leaks."""
