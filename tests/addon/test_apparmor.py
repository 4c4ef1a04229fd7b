"""apparmor.txt: the parser takes it, the Supervisor can rename it, its file rules allow what they should, no more."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROFILE_LINE = re.compile(r"^profile ([^ ]+).*$", re.MULTILINE)
FILE_RULE = re.compile(r"^\s*(deny )?(?:owner )?((?:/|@\{PROC\})\S*) ([a-z]+),$", re.MULTILINE)


@pytest.fixture(scope="module")
def profile(root: Path) -> str:
    return (root / "apparmor.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["meadowlark", "0a1b2c3d_meadowlark"])
def test_parser_takes_it(profile: str, name: str) -> None:
    parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin")
    if parser is None:
        pytest.skip("apparmor_parser is not installed (Debian: apt-get install apparmor)")
    renamed = PROFILE_LINE.sub(lambda line: line[0].replace(line[1], name, 1), profile)

    def parse(text: str) -> subprocess.CompletedProcess[str]:
        command = [parser, "--skip-kernel-load", "--skip-cache"]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    done, broken = parse(renamed), parse(renamed.replace(" rix,", " rxx,"))
    assert done.returncode == 0, done.stderr
    assert broken.returncode != 0, "the parser did not look"


def test_supervisor_can_rename_it(profile: str) -> None:
    """It replaces the name in the one line that begins with `profile`, and nowhere else."""
    assert PROFILE_LINE.findall(profile) == ["meadowlark"]
    assert "peer=meadowlark" not in profile


def pattern(rule: str) -> re.Pattern[str]:
    """AppArmor's globbing as a regular expression."""
    parts = {"**": r".*", "*": r"[^/]*", "{": "(?:", "}": ")", ",": "|", "?": r"[^/]"}
    rule = rule.replace("@{PROC}", "/proc").replace("@{pid}", "[0-9]*").replace("@{tid}", "[0-9]*")
    tokens = re.split(r"(\*\*|\[0-9\]\*|[*{},?])", rule)
    return re.compile("".join(parts.get(token, r"\d+" if token == "[0-9]*" else re.escape(token)) for token in tokens))


def allows(profile: str, path: str, wanted: str) -> bool:
    """Whether the file rules of the profile itself give all of `wanted`; the included abstractions only add to them."""
    given: set[str] = set()
    refused: set[str] = set()
    for deny, rule, permissions in FILE_RULE.findall(profile):
        if pattern(rule).fullmatch(path):
            (refused if deny else given).update(permissions)
    return set(wanted) <= given - refused


PYTHON = "/usr/local/lib/python3.13/site-packages"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/usr/sbin/docker-init", "rx"),
        ("/sbin/docker-init", "rx"),
        ("/usr/local/bin/meadowlark", "rx"),
        ("/usr/local/bin/python3.13", "rx"),
        ("/usr/local/lib/libpython3.13.so.1.0", "mr"),
        ("/usr/lib/aarch64-linux-gnu/libc.so.6", "mr"),
        ("/lib64/ld-linux-x86-64.so.2", "mr"),
        (f"{PYTHON}/numpy/_core/_multiarray_umath.cpython-313-x86_64-linux-gnu.so", "mr"),
        (f"{PYTHON}/espeakng_loader/espeak-ng-data/phontab", "r"),
        ("/etc/resolv.conf", "r"),
        ("/data/options.json", "r"),
        ("/data/kokoro/models/model.safetensors.part", "rw"),
        ("/data/kokoro/cache/compiled.so", "mrw"),
        ("/data/environments/chatterbox/lib/python3.13/site-packages/torch/lib/libtorch.so", "mr"),
        ("/share/meadowlark/anna.flac", "r"),
        ("/tmp/meadowlark-ab12/libespeak-ng.so", "mrw"),
        ("/memfd:libespeak-ng.so", "mr"),
        ("/proc/17/smaps_rollup", "r"),
        ("/proc/meminfo", "r"),
        ("/sys/fs/cgroup/memory.max", "r"),
        ("/sys/class/net/", "r"),
        ("/dev/nvidia-uvm", "rw"),
        ("/dev/dri/renderD128", "rw"),
    ],
)
def test_what_the_server_does_is_allowed(profile: str, path: str, wanted: str) -> None:
    assert allows(profile, path, wanted)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"{PYTHON}/meadowlark/__init__.py", "w"),
        ("/usr/local/bin/python3.13", "w"),
        ("/etc/passwd", "w"),
        ("/share/meadowlark/anna.flac", "w"),
        ("/homeassistant/secrets.yaml", "r"),
        ("/config/secrets.yaml", "r"),
        ("/ssl/privkey.pem", "r"),
        ("/backup/all.tar", "r"),
        ("/media/film.mkv", "r"),
        ("/root/.ssh/id_ed25519", "r"),
        ("/dev/sda", "r"),
        ("/dev/mem", "r"),
        ("/dev/ttyUSB0", "r"),
        ("/proc/kcore", "r"),
        ("/proc/sys/kernel/core_pattern", "w"),
        ("/sys/power/state", "w"),
        ("/data/tool", "x"),
        ("/tmp/tool", "x"),
    ],
)
def test_all_else_is_refused(profile: str, path: str, wanted: str) -> None:
    assert not allows(profile, path, wanted)


def test_no_rule_is_out_of_the_readers_sight(profile: str) -> None:
    """Every line that speaks of a path is one that `allows` reads."""
    body = [line.strip() for line in profile.splitlines() if not line.lstrip().startswith("#")]
    paths = [line for line in body if re.match(r"(deny |owner )?(/|@)", line)]
    assert len(paths) == len(FILE_RULE.findall(profile))
    assert not [line for line in body if re.fullmatch(r"(file|capability|mount|all),?", line)]
