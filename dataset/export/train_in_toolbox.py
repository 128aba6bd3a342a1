"""Train and test rPPG-Toolbox on the export that this file lies in.

From the folder of rPPG-Toolbox, with its Python: `python /path/to/the/export/train.py`. It writes
`acq.yaml` there, the configuration beside this file with the place of the export in it, and calls
`main.py`. Nothing but the standard library is needed here; acq copies this file into an export.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

CONFIG, PLACE = "rppg-toolbox.yaml", "EXPORT"


def main() -> int:
    """Put the place of the export into its configuration, and run rPPG-Toolbox with it."""
    here = Path(__file__).resolve().parent
    if not Path("main.py").is_file():
        print("expected main.py of rPPG-Toolbox in this folder; call it from there",
              file=sys.stderr)
        return 1
    text = (here / CONFIG).read_text(encoding="utf-8")
    # its UBFC loader takes the first subject<int> of a path for whose recording it is
    misread = r"subject\d|[\[\]*?]" if '"UBFC-rPPG"' in text else r"[\[\]*?]"
    if found := re.search(misread, str(here)):
        print(f"expected a path that rPPG-Toolbox reads, without subject<int>, [, ], * or ?; found "
              f"{found[0]} in {here}; move the export", file=sys.stderr)
        return 1
    place = json.dumps(here.as_posix(), ensure_ascii=False)[1:-1]      # JSON is YAML, too
    Path("acq.yaml").write_text(text.replace(f'"{PLACE}/', f'"{place}/'), encoding="utf-8")
    command = [sys.executable, "main.py", "--config_file", "acq.yaml"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
