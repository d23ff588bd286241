"""The command line: ``python -m pipeline convert | batch | analyze | health | models``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from . import config, models
from .convert import TIERS, Request, Result, Tier
from .converter import Converter
from .errors import BadPicture, BadSetting, ModelUnavailable, VectorizeError
from .plan import MOST_COLOURS, Detail, Finish, Grouping, Plan, read_palette
from .render import FORMATS, Format

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 all done, 1 some inputs failed, 2 bad usage."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except BadSetting as error:
        print(f"truecurve: {error.message}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        print("truecurve: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away
        sys.stderr.close()
        return FAILED


def _convert(options: argparse.Namespace) -> int:
    to_stdout = str(options.output) == "-"
    if to_stdout and options.json:
        raise BadSetting("-o - and --json both write to the standard output: choose one.")
    format = _format(options)
    if options.width is not None and format == "svg":
        raise BadSetting("--width is for --format pdf, eps, png and dxf: an SVG scales as it is.")
    out: Path = options.output or options.picture.with_suffix(f".{format}")
    if not to_stdout and out.absolute() == options.picture.absolute():
        raise BadSetting(f"{out} is the picture itself; name another file with -o.")
    request = _request(options)
    row: dict[str, Any] = {"file": str(options.picture), "svg": None, "ok": False, "error": None}
    try:
        with Converter(1) as converter:
            converter.prepare()
            result = converter.convert(options.picture, **_fields(request))
            data = result.svg.encode() if format == "svg" else converter.export(result.svg, format, width=options.width)
        if to_stdout:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
        else:
            from .serve.batch import write_atomically

            write_atomically(out, data)
            row["svg" if format == "svg" else "file_out"] = str(out)
    except VectorizeError as error:
        return _failed(options, {**row, "error": error.message, "code": error.code})
    except OSError as error:
        message = f"{out} cannot be written: {error.strerror or error}."
        return _failed(options, {**row, "error": message, "code": "failed"})
    row |= {"ok": True, "seconds": round(result.processing_time, 4), **result.record()}
    if options.json:
        print(json.dumps(row))
    else:
        print(_in_words(result, out), file=sys.stderr if to_stdout else sys.stdout)
    return DONE


def _format(options: argparse.Namespace) -> Format:
    """The format asked for: by --format, or else by the ending of the file to write."""
    if options.format:
        chosen: Format = options.format
        return chosen
    ending = options.output.suffix[1:].lower() if options.output else ""
    return next((f for f in FORMATS if f == ending), "svg")


def _failed(options: argparse.Namespace, row: dict[str, Any]) -> int:
    print(f"{row['file']}: {row['error']}", file=sys.stderr)
    if options.json:
        print(json.dumps(row))
    return FAILED


def _in_words(result: Result, out: Path) -> str:
    measured = ""
    if result.actual_quality is not None:
        measured = f", SSIM {result.actual_quality:.4f}"
        if result.default_quality is not None:
            measured += f" (vtracer's default: {result.default_quality:.4f})"
    lines = [
        f"{out}: {result.svg_bytes:,} bytes, {result.paths} shapes{measured}, {result.processing_time:.2f} s",
        f"  {result.logo_type} ({result.confidence:.0%} sure), tier {result.selected_tier}: {result.reason}",
        *(f"  note: {note}" for note in result.degraded),
    ]
    return "\n".join(lines)


def _batch(options: argparse.Namespace) -> int:
    from .serve.batch import Row, convert_all

    request = _request(options)
    if options.jobs is not None and options.jobs < 1:
        raise BadSetting("--jobs must be at least 1.")
    failures: list[Row] = []
    cancel = threading.Event()
    with Converter(options.jobs) as converter, tqdm(unit="picture", disable=None) as bar:

        def show(row: Row, total: int) -> None:
            bar.total = total
            bar.update()
            if not row["ok"]:
                failures.append(row)
                tqdm.write(f"{row['file']}: {row['error']}", file=sys.stderr)

        try:
            summary = convert_all(
                options.folder,
                options.out,
                request,
                converter=converter,
                resume=options.resume,
                format=options.format or "svg",
                cancel=cancel,
                on_row=show,
            )
        except BadPicture as error:
            print(f"truecurve: {error.message}", file=sys.stderr)
            return BAD_USAGE
        except OSError as error:
            print(f"truecurve: {error.filename or options.out}: {error.strerror or error}", file=sys.stderr)
            return FAILED
    done = f"{summary.converted} of {summary.total} pictures converted"
    done += f", {summary.resumed} were done already" if summary.resumed else ""
    done += f", {summary.failed} failed" if summary.failed else ""
    done += f"; {summary.passed_over} other files passed over" if summary.passed_over else ""
    print(f"{done}. Report: {options.out / 'report.csv'}")
    return FAILED if failures else DONE


def _analyze(options: argparse.Namespace) -> int:
    try:
        with Converter(1) as converter:
            analysis = converter.analyze(options.picture)
    except VectorizeError as error:
        return _failed(options, {"file": str(options.picture), "ok": False, "error": error.message, "code": error.code})
    if options.json:
        print(json.dumps({"file": str(options.picture), "ok": True, **asdict(analysis)}))
        return DONE
    print(f"{options.picture}: {analysis.width} × {analysis.height} px")
    print(f"  {analysis.logo_type} ({analysis.confidence:.0%} sure)")
    for name, value in asdict(analysis.features).items():
        print(f"  {name.replace('_', ' '):<24}{value:.4g}")
    for note in analysis.degraded:
        print(f"  note: {note}")
    return DONE


def _health(options: argparse.Namespace) -> int:
    from .serve.samples import with_samples

    with Converter(1) as converter:
        try:
            converter.workers.start()
            health = with_samples(converter.health())
        except VectorizeError as error:
            print(f"truecurve: {error.message}", file=sys.stderr)
            return FAILED
    if options.json:
        print(json.dumps(health))
        return DONE
    print(f"Truecurve {health['version']}: {'working' if health['available'] else 'not working'}")
    for model in health["models"]:
        print(f"  {model['name']} {model['version']}")
    for note in health["degraded"]:
        print(f"  note: {note}")
    return DONE


def _models(options: argparse.Namespace) -> int:
    here = models.store()
    try:
        if options.action == "pin":
            here.pin(options.name, options.version)
        elif options.action == "unpin":
            here.unpin(options.name)
        elif options.action == "rollback":
            print(f"Serving {here.rollback(options.name)} again.")
        elif options.action == "refresh" and not here.refresh(again=True):
            raise ModelUnavailable(here.note or "No release is wanted: set TRUECURVE_MODELS=owner/name@tag.")
    except ModelUnavailable as error:
        print(f"truecurve: {error.message}", file=sys.stderr)
        return FAILED
    here.warm()
    found = here.health()
    for model in found:
        size, seconds = (
            f"{model.bytes / 1e6:.2f} MB",
            "" if model.load_seconds is None else f"{model.load_seconds:.3f} s",
        )
        print(f"{model.name:14}{model.version or '–':>8}  {model.state:9}{size:>10}{seconds:>9}  {model.source or ''}")
        if model.why:
            print(f"  note: {model.why}")
    if here.note:
        print(f"  note: {here.note}")
    return FAILED if any(model.state == "missing" for model in found) else DONE


def _request(options: argparse.Namespace) -> Request:
    finish = Finish(
        background=options.background,
        colours=options.colours,
        palette=read_palette(options.palette),
        grouping=options.grouping,
        gap_filler=options.gap_filler,
        detail=options.detail,
    )
    return Request(
        tier=options.tier,
        target_quality=options.target_quality,
        time_budget=options.time_budget,
        validate=options.validate,
        finish=finish,
        plan=_plan(options.plan, finish) if options.plan else None,
    )


def _plan(path: Path, finish: Finish) -> Plan:
    """The plan that a file holds, with its own finish or else with this one. Raises `BadSetting`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise BadSetting(f"{path} is not JSON: {error}.") from error
    plan = Plan.from_json(data)
    return plan if "finish" in data else replace(plan, finish=finish)


def _fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.__dataclass_fields__}


def _tier(text: str) -> Tier:
    for tier in TIERS:
        if str(tier) == text:
            return tier
    raise argparse.ArgumentTypeError(f"{text!r} is not auto, 1, 2 or 3")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Turns logos, icons and drawings made of pixels into SVGs. PNG, JPEG, WebP, GIF and BMP go in.",
        epilog="Exit status: 0 all done, 1 some pictures failed (each is named), 2 the command was wrong.",
    )
    parser.add_argument("--version", action="version", version=f"Truecurve {config.VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    how = argparse.ArgumentParser(add_help=False)
    group = how.add_argument_group("how to convert")
    group.add_argument(
        "--tier",
        type=_tier,
        default=config.DEFAULT_TIER,
        metavar="auto|1|2|3",
        help="how much care: 1 draws once, fast; 2 draws a few ways, measures them and keeps the best; 3 tries hardest; "
        "auto chooses for you (%(default)s)",
    )
    group.add_argument(
        "--target-quality",
        type=float,
        default=config.DEFAULT_TARGET_QUALITY,
        metavar="0–1",
        help="how alike picture and SVG should be, as SSIM: 1 is identical (%(default)s)",
    )
    group.add_argument(
        "--time-budget",
        type=float,
        default=config.DEFAULT_TIME_BUDGET,
        metavar="SECONDS",
        help="how long one picture should take at most (%(default)s)",
    )
    group.add_argument(
        "--validate", action="store_true", help="measure the SVG against the picture, and vtracer's default beside it"
    )

    group.add_argument(
        "--plan",
        type=Path,
        metavar="FILE.json",
        help="draw by this plan, as the tune tab and a record's parameters_used have it; a finish in it goes before the "
        "options below",
    )

    finish = Finish()
    group = how.add_argument_group("what comes out")
    group.add_argument(
        "--colours",
        "--colors",
        type=int,
        metavar="N",
        help=f"draw with exactly N colours, 1–{MOST_COLOURS} (as many as the picture has)",
    )
    group.add_argument(
        "--palette", default="", metavar='"#..,#.."', help='draw with these colours only, for instance "#000,#d1006c"'
    )
    group.add_argument(
        "--background",
        choices=("keep", "drop"),
        default=finish.background,
        help="drop leaves out the colour that fills the picture's whole border, e.g. a white ground (%(default)s)",
    )
    group.add_argument(
        "--grouping",
        choices=get_args(Grouping),
        default=finish.grouping,
        help="compact: few elements; shape: one path each; colour: a group for each colour; layer: one for each layer "
        "(%(default)s)",
    )
    group.add_argument(
        "--detail",
        choices=get_args(Detail),
        default=finish.detail,
        help="low for fewer, simpler shapes, high for more of what is faint and small (%(default)s)",
    )
    group.add_argument(
        "--gap-filler",
        action="store_true",
        help="thin lines beneath all shapes, for programs that show gaps between neighbours",
    )
    group.add_argument(
        "--format",
        choices=FORMATS,
        help="what to write; for convert the ending of OUT says it too, batch writes it beside the SVG (svg)",
    )

    one = commands.add_parser("convert", parents=[how], help="convert one picture", description="Convert one picture.")
    one.add_argument("picture", type=Path, metavar="IN", help="the picture: PNG, JPEG, WebP, GIF or BMP")
    one.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT.svg",
        help="where to write the SVG, or what its ending says (IN with .svg; - for standard output)",
    )
    one.add_argument("--width", type=int, metavar="PX", help="width of a PNG, PDF, EPS or DXF (the picture's own)")
    one.add_argument("--json", action="store_true", help="print everything that is known about the conversion as JSON")
    one.set_defaults(run=_convert)

    many = commands.add_parser(
        "batch",
        parents=[how],
        help="convert a folder or a zip of pictures",
        description="Convert every PNG, JPEG, WebP, GIF and BMP in a folder (with its sub-folders) or a zip; files with other "
        "endings, and hidden ones, are passed over. logo.png becomes logo.svg; where logo.jpg lies beside it, logo.png.svg "
        "and logo.jpg.svg. A picture that cannot be converted is a row of the report and stops nothing. "
        f"A zip may have {config.ZIP_LIMITS.entries} entries and {config.ZIP_LIMITS.bytes / 1e6:.0f} MB unpacked; "
        "for more, use a folder.",
    )
    many.add_argument("folder", type=Path, metavar="IN_DIR_or_ZIP", help="the pictures")
    many.add_argument("out", type=Path, metavar="OUT_DIR", help="gets the SVGs, report.jsonl and report.csv")
    many.add_argument("--jobs", type=int, metavar="N", help="pictures at the same time (one for each core)")
    many.add_argument(
        "--resume",
        action="store_true",
        help="go on with an earlier run: what it converted from the same picture with the same settings is left alone",
    )
    many.set_defaults(run=_batch)

    look = commands.add_parser(
        "analyze", help="say what kind of picture it is", description="What kind of picture it is, and its features."
    )
    look.add_argument("picture", type=Path, metavar="IN", help="the picture")
    look.add_argument("--json", action="store_true", help="as JSON")
    look.set_defaults(run=_analyze)

    health = commands.add_parser(
        "health", help="say whether everything works", description="Whether everything works, and what is missing."
    )
    health.add_argument("--json", action="store_true", help="as JSON")
    health.set_defaults(run=_health)

    learned = commands.add_parser(
        "models",
        help="list what was learned, choose a version, pull a release",
        description="What was learned, loaded and checked. A version that is chosen is served by every running process.",
    )
    actions = learned.add_subparsers(dest="action", metavar="ACTION")
    pin = actions.add_parser("pin", help="serve a certain version from now on")
    pin.add_argument("name", metavar="NAME")
    pin.add_argument("version", metavar="VERSION")
    actions.add_parser("unpin", help="serve the newest again").add_argument("name", metavar="NAME")
    back = actions.add_parser("rollback", help="serve what was served before; without a name, the release before")
    back.add_argument("name", nargs="?", metavar="NAME")
    actions.add_parser("refresh", help="pull the release that TRUECURVE_MODELS=owner/name@tag names from the Hub")
    learned.set_defaults(run=_models)
    return parser


if __name__ == "__main__":
    sys.exit(main())
