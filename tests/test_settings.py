"""Settings: flags, variables, a file, and what is said about wrong ones."""

from pathlib import Path

import msgspec
import pytest

from configuration import PREFIX, read
from settings import Settings, SettingsError


def fails(arguments: list[str], variables: dict[str, str] | None = None) -> str:
    """The one line that wrong settings are answered with."""
    with pytest.raises(SettingsError) as error:
        read(arguments, variables or {})
    line = str(error.value)
    assert "\n" not in line
    return line


def test_defaults() -> None:
    """With nothing given everything has its default, and only this machine is let in."""
    found = read([], {"PATH": "/bin", "HOME": "/"})
    assert found == Settings()
    assert (found.address, found.port, found.data, found.mongo) == ("127.0.0.1", 8888, "data", "")


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(tmp_path: Path) -> None:
    """Each setting is taken from the first place that has it."""
    file = tmp_path / "parley.toml"
    file.write_text("port = 1\nhistory = 1\nping_interval = 1\npage-limit = 7\n")
    found = read(
        ["--port=3", f"--config={file}"], {"PARLEY_PORT": "2", "PARLEY_HISTORY": "2", "PARLEY_LOG_LEVEL": "debug"}
    )
    assert (found.port, found.history, found.ping_interval, found.page_limit) == (3, 2, 1.0, 7)
    assert found.log_level == "debug"


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    """PARLEY_CONFIG works like --config, which wins over it."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("port = 1\n")
    two.write_text("port = 2\n")
    assert read([], {"PARLEY_CONFIG": str(one)}).port == 1
    assert read([f"--config={two}"], {"PARLEY_CONFIG": str(one)}).port == 2
    assert read([f"--config={two}"], {"PARLEY_CONFIG": "/nowhere"}).port == 2


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        (["--port=x"], "--port"),
        (["--port=70000"], "--port"),
        (["--port=-1"], "--port"),
        (["--port="], "--port"),
        (["--ping-interval=0"], "--ping-interval"),
        (["--ping-interval=nan"], "--ping-interval"),
        (["--ping-interval=inf"], "--ping-interval"),
        (["--log-level=loud"], "--log-level"),
        (["--history=1.5"], "--history"),
        (["--text-limit=0"], "--text-limit"),
        (["--unknown=1"], "--unknown"),
        (["--por=1"], "--por"),
        (["--port"], "--port"),
        (["stray"], "stray"),
    ],
)
def test_a_wrong_flag_is_named(arguments: list[str], label: str) -> None:
    """An unknown flag, or a value that does not fit, is one line that names the flag."""
    assert label in fails(arguments)


def test_a_wrong_variable_is_named() -> None:
    """The line names the variable and the value."""
    assert "PARLEY_PORT" in fails([], {"PARLEY_PORT": "many"})
    assert "'many'" in fails([], {"PARLEY_PORT": "many"})
    assert "PARLEY_PROT" in fails([], {"PARLEY_PROT": "1"})


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    """What is wrong with the value of a secret is said without it."""
    file = tmp_path / "parley.toml"
    file.write_text("openid_client_secret = 5550100\n")
    line = fails([f"--config={file}"])
    assert "openid_client_secret" in line
    assert "5550100" not in line
    assert read([], {"PARLEY_OPENID_CLIENT_SECRET": "hush"}).openid_client_secret == "hush"


@pytest.mark.parametrize(
    "content", ["port = 'x'", "port = true", "prot = 1", "port = [1]", "port =", "[port]\na = 1", "\x00"]
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str) -> None:
    """A file that is no TOML, or has a wrong line, is named with what is wrong."""
    file = tmp_path / "parley.toml"
    file.write_text(content)
    assert str(file) in fails([f"--config={file}"])


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """A missing file, a folder, and one that is not UTF-8 are one line."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing.toml", tmp_path, binary):
        assert str(path) in fails([f"--config={path}"])


@pytest.mark.parametrize(
    "rate", ["5", "5/", "/5", "0/5", "0.0/5", "5/0", "-1/5", "5/5.5", "1e3/5", "a/b", "5/5 ", "5/5\n"]
)
def test_a_rate_is_so_many_a_second_and_so_many_at_once(rate: str) -> None:
    """Neither may be missing or nothing, or the limit would let through all or none."""
    assert read(["--person-rate=0.5/20"], {}).person_rate == "0.5/20"
    assert "--person-rate" in fails([f"--person-rate={rate}"])


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Each setting stands there with its reason and its default."""
    with pytest.raises(SystemExit) as ending:
        read(["--help"], {})
    assert ending.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for field in msgspec.structs.fields(Settings):
        assert "--" + field.name.replace("_", "-") + " " in text
        if field.default != "":
            assert f"[{field.default}]" in text
    assert PREFIX in text


def test_a_value_may_hold_signs_of_its_own() -> None:
    """Addresses with `=`, `%` and `&` come through as they are."""
    uri = "mongodb://u:p%40ss@host/?replicaSet=rs&w=1"
    assert read([f"--mongo={uri}"], {}).mongo == uri
    assert read([], {"PARLEY_MONGO": uri}).mongo == uri
