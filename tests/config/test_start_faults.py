"""What a newcomer reads when Kairos cannot start: one sentence, an exit code, no traceback (I44)."""

from pathlib import Path

import pytest

from tests.e2e.running import clean_environment, free_port, manage


def start(tmp_path: Path, **changed: str) -> tuple[int, str]:
    """Exit code and the one line said by `manage.py up`; a second line fails the test."""
    environment = clean_environment(tmp_path / "var", free_port(), **changed)
    ended = manage("up", "--no-demo", environment=environment)
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PORT": "eighty"}, "PORT: "),
        ({"HOST": "nowhere.invalid"}, "HOST: 'nowhere.invalid' is not an address of this machine"),
        ({"SECRET_KEY": ""}, "SECRET_KEY: must be at least 32 random characters"),
        (
            {"DATABASE_URL": "mysql://root:hunter2@db/kairos"},
            "DATABASE_URL: must start with sqlite:// or postgresql://",
        ),
        ({"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/kairos"}, "DATABASE_URL: the database cannot be used"),
        ({"DATABASE_URL": "sqlite:////proc/kairos/kairos.sqlite3"}, "the folder /proc/kairos cannot be made"),
        ({"REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}, "REDIS_URL: Redis cannot be reached there"),
        ({"KAIROS_VAR": "/dev/null/var"}, "the folder /dev/null/var cannot be made (Not a directory)"),
        ({"KAIROS_VAR": "/proc"}, "the folder /proc cannot be written to"),
    ],
)
def test_a_fault_is_one_sentence_that_names_it(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    status, line = start(tmp_path, **changed)
    assert status == 1
    assert line.startswith(f"Kairos cannot start: {said}")
    assert "hunter2" not in line


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(
        "this is a shopping list, and it is longer than a hundred characters so that SQLite looks into it " * 3
    )
    status, line = start(tmp_path, DATABASE_URL=f"sqlite:///{file}")
    assert (status, f"{file}: file is not a database" in line) == (1, True)


@pytest.mark.parametrize("module", ["django", "structlog", "talib"])
def test_a_missing_module_is_named_with_the_way_to_get_it(tmp_path: Path, module: str) -> None:
    """A package that answers as an absent one does stands before the installed one."""
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / f"{module}.py").write_text(f"raise ModuleNotFoundError('No module named {module}', name={module!r})\n")
    status, line = start(tmp_path, PYTHONPATH=str(absent))
    assert (status, line) == (
        1,
        f"Kairos cannot start: the Python module {module!r} is missing; `make run` installs it.\n",
    )
