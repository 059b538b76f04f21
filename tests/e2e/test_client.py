"""The example of the client's README, as it stands there, against the running program."""

import re
import sys
from typing import Any

import pytest

from tests.api.client_file import CLIENT
from tests.e2e.running import RunningKairos, wait_until

pytestmark = pytest.mark.processes


def test_the_readme_s_example_buys_a_share_and_sees_it_filled(
    running_kairos: RunningKairos, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.path.insert(0, str(CLIENT))
    (example,) = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    wait_until(lambda: "demo sign-in" in running_kairos.output(), 30, "the demo's sign-in, printed once all runs")
    email, password = running_kairos.sign_in()
    for written, real in [
        ("http://127.0.0.1:8000", running_kairos.url),
        ("demo@example.com", email),
        ("its password", password),
    ]:
        assert written in example
        example = example.replace(written, real)
    lived: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), lived)  # noqa: S102  (our own page)
    assert capsys.readouterr().out.splitlines()[-1].startswith("filled 1 ")
