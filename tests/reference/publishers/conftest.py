import pytest

from caudal.reference import Reference, load_reference


@pytest.fixture(scope="package")
def reference() -> Reference:
    return load_reference()
