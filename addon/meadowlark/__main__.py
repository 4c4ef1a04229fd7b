"""The command line. Each command imports what it needs when it is called: `--help` answers at once."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__

if TYPE_CHECKING:
    from .settings import Settings

EPILOG = """\
examples:
  meadowlark                                      serve on port 10200 and be found by Home Assistant
  meadowlark serve --uri tcp://0.0.0.0:10300 --zeroconf kitchen
  meadowlark say "Hello from Meadowlark"          speak through the loudspeaker
  meadowlark say "(excited) Dinner is ready!" --voice espeak/en-us+f2 --output dinner.wav
  meadowlark voices --language de                 the German voices
  meadowlark pull kokoro                          download what an engine's voice needs
  meadowlark enroll anna.wav --text "Good morning."   a voice of your own, for engines that imitate
  meadowlark doctor                               what works here and what to do about the rest

settings: every key of the settings file (--config FILE, YAML) is also a variable MEADOWLARK_KEY:
  voice: espeak/de            engines: {espeak: {rate: 160}}       memory_budget_mb: 4000
  flags go before variables, variables before the file, the file before Home Assistant's options.json
"""


def main() -> None:
    """Run a command; errors of ours are one line on stderr and exit status 1 (2 for settings)."""
    from .errors import MeadowlarkError, SettingsError

    arguments = _parser().parse_args(_with_command(sys.argv[1:]))
    logging.basicConfig(
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr, level=logging.WARNING
    )
    try:
        _run(arguments)
        sys.stdout.flush()  # here, where a reader who has left is no fault
    except SettingsError as error:
        sys.exit(_complain(error, 2))
    except MeadowlarkError as error:
        sys.exit(_complain(error, 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `meadowlark voices | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end


def _complain(error: Exception, status: int) -> int:
    sys.stderr.write(f"meadowlark: {error}\n")
    return status


def _run(arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "serve":
            from .cli.serve import serve

            serve(_settings(arguments))
        case "say":
            from .catalog import VoiceRequest
            from .cli.say import say

            voice = VoiceRequest(name=arguments.voice or "", language=arguments.language, speaker=arguments.speaker)
            say(_settings(arguments), arguments.text, voice, arguments.output, arguments.download)
        case "enroll":
            from .cli.enroll import enroll
            from .enrolment import Wish

            wish = Wish(arguments.name, arguments.text, arguments.language, arguments.origin, arguments.consent)
            enroll(_settings(arguments), arguments.file, wish)
        case "voices" if arguments.own or arguments.remove:
            from .cli.enroll import forget, own_voices

            if arguments.remove:
                forget(_settings(arguments), arguments.remove)
            else:
                own_voices(_settings(arguments), arguments.json)
        case "voices":
            from .cli.show import voices

            voices(_settings(arguments), arguments.language, arguments.engine, arguments.all, arguments.json)
        case "plugins":
            from .cli.show import plugins

            plugins(_settings(arguments), arguments.json)
        case "pull":
            from .cli.models import pull

            pull(_settings(arguments), arguments.names, arguments.all)
        case "models":
            from .cli.models import models

            models(_settings(arguments), arguments.engine, arguments.all, arguments.json)
        case "remove":
            from .cli.models import remove

            remove(_settings(arguments), arguments.names)
        case "engines":
            from .cli.engines import engines

            engines(_settings(arguments), arguments.json)
        case "doctor":
            from .cli.doctor import doctor

            doctor(_settings(arguments))
        case "health":
            from .cli.health import health

            health(arguments.uri or "tcp://127.0.0.1:10200", arguments.timeout)


def _settings(arguments: argparse.Namespace) -> Settings:
    from . import settings

    flags = {key: value for key, value in vars(arguments).items() if key in settings.KEYS}
    if arguments.command == "say":
        flags.pop("voice")  # of this text, not the default
    name = flags.get("zeroconf")
    if isinstance(name, str):
        flags.update(zeroconf=True, zeroconf_name=name)
    loaded = settings.load(flags, arguments.config)
    logging.getLogger().setLevel(logging.DEBUG if loaded.debug else logging.INFO)
    if arguments.command != "serve" and not loaded.debug:
        logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.INFO)
    return loaded


def _with_command(arguments: list[str]) -> list[str]:
    """Without a command it serves, as the Wyoming servers do: `meadowlark --uri tcp://0.0.0.0:10200`."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        return ["serve", *arguments]
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="meadowlark",
        description="Every voice engine behind one Wyoming port: a text-to-speech server for Home Assistant.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    common = _common()

    serve = commands.add_parser("serve", parents=[common], help="serve on the network (what happens without a command)")
    serve.add_argument("--uri", help="where to listen: tcp://HOST:PORT or unix:///PATH (tcp://0.0.0.0:10200)")
    serve.add_argument(
        "--zeroconf",
        nargs="?",
        const=True,
        metavar="NAME",
        help="announce on the network, perhaps under this name (default)",
    )
    serve.add_argument("--no-zeroconf", dest="zeroconf", action="store_const", const=False, help="do not announce")
    serve.add_argument("--voice", help="default voice: ENGINE/VOICE, a voice id, an engine or a language")
    serve.add_argument(
        "--voice-fallback", action="store_const", const=True, help="the default speaks for a voice that does not exist"
    )
    serve.add_argument("--memory-budget-mb", metavar="MB", help="RAM for all engines together; 0 = what is free")

    say = commands.add_parser("say", parents=[common], help="speak a text, or write it into a WAV file")
    say.add_argument("text", help='what to say; "-" reads it from standard input')
    say.add_argument("--voice", help="ENGINE/VOICE, a voice id, an engine or a language")
    say.add_argument("--language", default="", help="any voice of this language (BCP 47: de, en-GB)")
    say.add_argument("--speaker", default="", help="speaker of a voice that has several")
    say.add_argument(
        "--output", "-o", default="", metavar="FILE", help='WAV file; "-" = standard output; none = play it'
    )

    say.add_argument(
        "--download",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="first download what the voice lacks (at a terminal: yes)",
    )

    voices = commands.add_parser("voices", parents=[common], help="list the installed voices")
    voices.add_argument("--language", default="", help="only voices of this language (de, en-GB)")
    voices.add_argument("--engine", default="", help="only voices of this engine")
    voices.add_argument("--all", action="store_true", help="also voices that are not advertised to clients")
    voices.add_argument("--own", action="store_true", help="your reference voices, and which engines use them")
    voices.add_argument("--remove", default="", metavar="NAME", help="delete one of your reference voices")
    voices.add_argument("--json", action="store_true", help="for programs")

    enroll = commands.add_parser(
        "enroll", parents=[common], help="add a voice of your own, from a recording and what is said in it"
    )
    enroll.add_argument("file", type=Path, metavar="FILE", help="WAV, FLAC, MP3 or Ogg: 5 to 30 s of one person")
    enroll.add_argument("--name", default="", help="of the voice (the file's name)")
    enroll.add_argument("--text", default="", help="what is said (a .txt of the same name beside the file)")
    enroll.add_argument("--language", default="", help="BCP 47: en-GB (every language that an engine speaks)")
    enroll.add_argument("--origin", default="", help="who speaks, or where the recording comes from")
    enroll.add_argument("--consent", default="", help="a note that the speaker agrees, kept with the voice")

    plugins = commands.add_parser(
        "plugins", parents=[common], help="list the installed plugins and what is wrong with them"
    )
    plugins.add_argument("--json", action="store_true", help="for programs")

    pull = commands.add_parser("pull", parents=[common], help="download what voices need")
    pull.add_argument("names", nargs="*", metavar="ENGINE[/VOICE]", help="none: the default voice of the settings")
    pull.add_argument("--all", action="store_true", help="all voices of these engines; may be many gigabytes")

    models = commands.add_parser("models", parents=[common], help="list model files: size, licence, place, users")
    models.add_argument("--engine", default="", help="only files of this engine")
    models.add_argument("--all", action="store_true", help="also files that could be downloaded")
    models.add_argument("--json", action="store_true", help="for programs")

    remove = commands.add_parser("remove", parents=[common], help="delete downloaded files of voices or engines")
    remove.add_argument("names", nargs="+", metavar="ENGINE[/VOICE]")

    engines = commands.add_parser(
        "engines",
        parents=[common],
        help="what has been measured of each engine, and what a running server does with it",
    )
    engines.add_argument("--json", action="store_true", help="for programs")

    doctor = commands.add_parser(
        "doctor", parents=[common], help="check this machine and say what to do about what it finds"
    )
    doctor.add_argument("--uri", help="where the server listens or would listen (tcp://0.0.0.0:10200)")

    health = commands.add_parser("health", help="ask a running server whether it answers; exit status 0 or 1")
    health.add_argument("--uri", help="where it listens (tcp://127.0.0.1:10200)")
    health.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS", help="how long to wait (5)")
    return parser


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="settings file (YAML)")
    common.add_argument("--data-dir", metavar="DIR", help="for what is kept (data)")
    common.add_argument("--voice-dir", metavar="DIR", help="your own voices (voices in the data folder)")
    common.add_argument("--debug", action="store_const", const=True, help="log every sentence with its times")
    return common


if __name__ == "__main__":
    main()
