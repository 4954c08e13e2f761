"""The README's printed output is what its commands print; its Python runs as doctests."""

import re
import shlex
from pathlib import Path

import pytest

from tinygrad_edu.__main__ import main

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def command(heading: str) -> str:
    section = README.split(f"## {heading}\n")[1]
    found = re.search(r"```sh\n(.*?)\n```", section)
    assert found
    return found[1]


def test_the_first_command_prints_what_the_readme_shows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command("See the backward pass").split("-m tinygrad_edu ")[1])
    assert main(words) == 0
    shown = re.search(r"```text\n(.*?)\n```", README, re.DOTALL)
    assert shown
    assert capsys.readouterr().out.strip() == shown[1].strip()
    assert (tmp_path / "abc.svg").exists()


def test_both_commands_need_only_python() -> None:
    assert command("See the backward pass").startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert command("Run the tests").startswith(".venv/bin/pip install")
