"""What tests of several packages are made with."""
