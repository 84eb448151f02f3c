import importlib
import inspect
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest

from avow import plugins
from avow.core.errors import ConfigError
from avow.core.events import RunFinished
from avow.plugins import ServiceKind, hookimpl, new_manager
from avow.plugins.builtin import MODULES, Builtins


class Nothing(msgspec.Struct, frozen=True):
    pass


def kind(name, **options):
    return ServiceKind(
        name=name, settings=Nothing, providers={"x": "m:C"}, default_provider="x", **options
    )


def offers(*kinds):
    class Plugin:
        @hookimpl
        def avow_service_kinds(self):
            return list(kinds)

    return Plugin()


@pytest.fixture
def manager():
    return new_manager(entry_points=False)


def test_avows_own_kinds_come_through_the_same_door(manager):
    found = plugins.service_kinds(manager)
    assert {"postgres", "kafka", "redis", "s3", "sqs", "sns", "ssm", "smtp", "stub", "http",
            "process"} <= set(found)  # fmt: skip
    assert "stripe" in plugins.signature_schemes(manager)


def test_a_plug_in_adds_a_kind_and_its_channel(manager):
    manager.register(offers(kind("ftp", channel="my.ftp:Channel")))
    assert plugins.service_kinds(manager)["ftp"].channel == "my.ftp:Channel"
    assert plugins.channels(manager)["ftp"] == "my.ftp:Channel"
    assert plugins.channels(manager)["http"] == plugins.service_kinds(manager)["http"].channel


def test_a_plug_in_may_bring_a_channel_for_a_kind(manager):
    class Plugin:
        @hookimpl
        def avow_channels(self):
            return {"redis": "my.redis:Channel"}

    manager.register(Plugin())
    assert plugins.channels(manager)["redis"] == "my.redis:Channel"


def test_events_reach_every_plug_in(manager):
    seen = []

    class Plugin:
        @hookimpl
        def avow_event(self, event):
            seen.append(event)

        @hookimpl
        def avow_run_finished(self):
            seen.append("finished")

    manager.register(Plugin())
    event = RunFinished(at=0.0, run="r", exit_code=0)
    manager.hook.avow_event(event=event)
    manager.hook.avow_run_finished(summary=event)
    assert seen == [event, "finished"]


def test_an_unknown_hook_offers_the_nearest(manager):
    plugin = SimpleNamespace(avow_service_kind=list)
    with pytest.raises(ConfigError) as error:
        manager.register(plugin, "mine")
    assert str(error.value).startswith(
        'plug-in "mine": there is no hook "avow_service_kind"\n'
        '  Did you mean "avow_service_kinds"? Hooks: avow_channels, avow_event, '
    )


def test_a_hook_without_its_mark_is_told(manager):
    plugin = SimpleNamespace(avow_event=lambda event: None)
    with pytest.raises(ConfigError) as error:
        manager.register(plugin, "mine")
    assert str(error.value) == (
        'plug-in "mine": "avow_event" is named like a hook and is not marked as one\n'
        "  Put @avow.plugins.hookimpl above it."
    )


def test_a_wrong_argument_shows_the_signature(manager):
    class Plugin:
        @staticmethod
        @hookimpl
        def avow_scenario_recorded(path, evnt):
            pass

    with pytest.raises(ConfigError) as error:
        manager.register(Plugin(), "mine")
    assert str(error.value) == (
        'plug-in "mine": "avow_scenario_recorded" asks for an argument "evnt" that the hook does '
        "not have\n  Its signature is avow_scenario_recorded(path, event); "
        "arguments may be left out."
    )


def test_two_plug_ins_cannot_offer_one_name(manager):
    manager.register(offers(kind("http")))
    with pytest.raises(ConfigError) as error:
        plugins.service_kinds(manager)
    assert str(error.value) == (
        'two plug-ins offer the kind of service "http"\n'
        "  Uninstall one of them, or give one of the two another name."
    )


def test_what_is_not_a_kind_is_refused(manager):
    manager.register(offers({"name": "x"}))
    with pytest.raises(ConfigError, match=r"offers \{'name': 'x'\} as a kind of service"):
        plugins.service_kinds(manager)


def test_installed_packages_are_found_by_their_entry_point(tmp_path, monkeypatch):
    package = tmp_path / "avow_ftp-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: avow-ftp\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[avow]\nftp = avow_ftp_plugin\n")
    module = tmp_path / "avow_ftp_plugin.py"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "avow_ftp_plugin", raising=False)
    importlib.invalidate_caches()

    with pytest.raises(ConfigError) as error:
        new_manager()
    assert str(error.value) == (
        'plug-in "ftp": avow_ftp_plugin of avow-ftp cannot be loaded: ModuleNotFoundError: '
        "No module named 'avow_ftp_plugin'\n  Repair or uninstall avow-ftp."
    )

    module.write_text(
        "from avow.plugins import SignatureScheme, hookimpl\n"
        "class Mine:\n    name = 'mine'\n    def sign(self, secret, unsigned):\n        return {}\n"
        "@hookimpl\ndef avow_signature_schemes():\n    return [Mine()]\n"
    )
    importlib.invalidate_caches()
    assert "mine" in plugins.signature_schemes(new_manager())


def test_builtin_modules_exist_and_have_their_hooks():
    for hook, modules in MODULES.items():
        for path in modules:
            assert callable(getattr(importlib.import_module(path), hook)), path


def test_builtins_answer_every_hook():
    from avow.plugins import specs

    hooks = {name for name in vars(specs) if name.startswith("avow_")}
    assert set(MODULES) == hooks == {name for name in dir(Builtins) if name.startswith("avow_")}
    for name in hooks:
        wanted = list(inspect.signature(getattr(specs, name)).parameters)
        assert list(inspect.signature(getattr(Builtins, name)).parameters)[1:] == wanted


@pytest.mark.parametrize("name", sorted(plugins.service_kinds()))
def test_everything_a_kind_names_can_be_imported(name):
    found = plugins.service_kinds()[name]
    assert found.default_provider in found.providers
    for path in (*found.providers.values(), found.channel):
        if path:
            assert isinstance(plugins.load(path, what=name, extra=found.extra), type)


def test_kinds_are_known_without_their_libraries():
    code = (
        "import sys; from avow import plugins; plugins.service_kinds(); plugins.channels();"
        "print(sorted({'psycopg', 'confluent_kafka', 'boto3', 'redis', 'httpx', 'moto', 'hamcrest',"
        " 'aiosmtpd', 'behave', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
