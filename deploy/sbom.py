"""A lock as CycloneDX JSON on standard output, by `cyclonedx-py` beside this Python; run by `make sbom`.

Where a file is fetched from is each machine's own affair, so the registry that the tool supposes goes; digests stand in the lock.
"""

import json
import subprocess
import sys
from pathlib import Path


def main(lock: str) -> None:
    tool = Path(sys.executable).parent / "cyclonedx-py"
    command = [str(tool), "requirements", "--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON", "-"]
    # Names, versions and markers: a line goes on with the digests of its files.
    lines = [line.rstrip(" \\") for line in Path(lock).read_text().splitlines() if not line.startswith(" ")]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    bill = json.loads(done.stdout)
    for one in [*bill["components"], *bill["metadata"]["tools"]["components"]]:
        one.pop("externalReferences", None)
    print(json.dumps(bill, indent=1, sort_keys=True))


main(sys.argv[1])
