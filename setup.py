"""The one thing that pyproject.toml cannot say: a wheel carries the sketch, as acquire/firmware,
for `acq firmware`.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithSketch(build_py):
    """Copy the firmware's Makefile and sketch beside the modules; an editable install finds them in
    the checkout.
    """

    def run(self):
        """Build, then copy."""
        super().run()
        if self.editable_mode:
            return
        for path in (Path("firmware/Makefile"), *Path("firmware/ppg_logger").iterdir()):
            target = Path(self.build_lib, "acquire", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


setup(cmdclass={"build_py": BuildWithSketch})
