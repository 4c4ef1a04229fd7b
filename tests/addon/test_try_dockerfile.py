"""script/try-dockerfile with a small image of its own: no package index, and a server of a few lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCKERFILE = """\
FROM python:3.13-slim-trixie AS sources
ARG GREETING="hello"
WORKDIR /source
COPY . .
RUN echo "$GREETING" > greeting.txt && test ! -e secret.txt
RUN apt-get update && apt-get install --yes nothing-of-this-name

FROM python:3.13-slim-trixie
COPY --from=sources /source/greeting.txt /source/meadowlark /source/yaml.py /usr/local/bin/
RUN python -c "import shutil, site; shutil.copy('/usr/local/bin/yaml.py', site.getsitepackages()[0])"
ENV MEADOWLARK_DATA_DIR=/data
WORKDIR /data
EXPOSE 10200
HEALTHCHECK --start-period=10s CMD ["meadowlark", "health", "10200", ":10200"]
ENTRYPOINT ["meadowlark"]
CMD ["serve", "tcp://0.0.0.0:10200"]
"""

# The image's Python has no YAML library: a module that knows one file.
YAML = """\
def safe_load(file):
    return {"timeout": 10, "environment": {"HOUSE": "mine"}, "options": {"voice": "tone"}}
"""

SERVER = """\
#!/usr/bin/env python3
import os, pathlib, signal, sys, time
here = pathlib.Path(os.environ["MEADOWLARK_DATA_DIR"])
port = here / sys.argv[-1].rpartition(":")[2]
if sys.argv[1] == "health":
    sys.exit(not port.exists())
if sys.argv[1] == "serve":
    def stop(*_):
        port.unlink()
        sys.exit(0)
    options = os.environ.get("MEADOWLARK_OPTIONS")
    print("house:", os.environ.get("HOUSE"), options and pathlib.Path(options).read_text(), flush=True)
    signal.signal(signal.SIGTERM, stop)
    port.touch()
    time.sleep(60)
print((pathlib.Path(sys.argv[0]).parent / "greeting.txt").read_text())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / ".dockerignore").write_text("secret.txt\n")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "untracked.txt").write_text("not in a clone")
    (tmp_path / "config.yaml").write_text("timeout: 10\nenvironment: {HOUSE: mine}\noptions: {voice: tone}\n")
    (tmp_path / "yaml.py").write_text(YAML)
    server = tmp_path / "meadowlark"
    server.write_text(SERVER)
    server.chmod(0o755)
    tracked = ["Dockerfile", ".dockerignore", "secret.txt", "meadowlark", "config.yaml", "yaml.py"]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", *tracked], cwd=tmp_path, check=True)
    return tmp_path


def attempt(root: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "script" / "try-dockerfile"), "--context", str(folder), *more]
    return subprocess.run(
        [*command, "--python", sys.executable], capture_output=True, text=True, timeout=50, check=False
    )


def test_builds_starts_checks_and_stops(root: Path, folder: Path) -> None:
    done = attempt(root, folder, "--build-arg", "GREETING=good morning")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("good morning") == 2  # --version and voices
    assert "skipped: apt-get" in done.stdout
    assert "== healthy after" in done.stdout
    assert done.stdout.count("with exit status 0") == 2
    assert "house: None None" in done.stdout
    assert 'house: mine {"voice": "tone"}' in done.stdout


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("meadowlark", "sys.exit(0)", "sys.exit(3)"), "exit status 3 after SIGTERM"),
        (("meadowlark", "port.touch()", "sys.exit(4)"), "ended by itself with exit status 4"),
        (("Dockerfile", "test ! -e secret.txt", "test -e secret.txt"), "returned non-zero exit status 1"),
        (("Dockerfile", "test ! -e secret.txt", "test -e untracked.txt"), "returned non-zero exit status 1"),
        (("Dockerfile", "/source/greeting.txt", "/source/missing.txt"), "COPY /source/missing.txt: there is no such"),
        (("Dockerfile", 'ENTRYPOINT ["meadowlark"]', 'ENTRYPOINT ["starling"]'), "no program 'starling'"),
    ],
)
def test_says_what_failed(root: Path, folder: Path, change: tuple[str, str, str], complaint: str) -> None:
    name, old, new = change
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    done = attempt(root, folder)
    assert done.returncode == 1
    assert complaint in done.stderr
