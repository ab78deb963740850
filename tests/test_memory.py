import subprocess
import sys

import pytest

GLIBC = sys.platform.startswith("linux")


@pytest.mark.skipif(not GLIBC, reason="only glibc is told")
@pytest.mark.parametrize("name", ["share_freed_memory", "keep_freed_memory"])
def test_the_c_library_takes_it_and_goes_on_working(name: str) -> None:
    """In a process of its own: what glibc has been told stays."""
    code = f"import numpy, aliquot.memory as m; print(m.{name}(), numpy.ones(9_000_000).sum())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "9000000.0"]
