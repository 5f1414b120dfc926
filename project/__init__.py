"""What the project needs of itself, and no installation has: releases, and which lines the tests run."""
