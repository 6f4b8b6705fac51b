"""Options made from the fields of a configuration: each is written once, there."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.help import RARE
from unlearn_audit.cli.shared.renamed import deprecations_noted
from unlearn_audit.cli.shared.values import names_of, one_of
from unlearn_audit.config import AuditConfig, build_config, read_config
from unlearn_audit.errors import AuditError

OF_A_TABLE = ("label", "person", "exclude", "keep", "na_values")


@dataclass(frozen=True)
class Flag:
    """A field of the configuration as an option.

    Attributes
    ----------
    path
        The keys that lead to it.
    field
        What it holds, by default, and what it is.
    """

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def extra(self) -> Mapping[str, Any]:
        """What `flagged` says of it."""
        assert isinstance(self.field.json_schema_extra, dict)
        return self.field.json_schema_extra

    @property
    def name(self) -> str:
        """Its name without dashes."""
        return str(self.extra["flag"] or self.path[-1].replace("_", "-"))

    @property
    def word(self) -> str:
        """The name of its parameter."""
        return self.name.replace("-", "_")

    def one_of(self, by_key: Mapping[str, str]) -> str | None:
        """Return what stands under its key, or under its block; None where nothing does."""
        return by_key.get(".".join(self.path), by_key.get(self.path[0]))

    def given_in(self, given: Mapping[str, Any]) -> bool:
        """Return whether a command line gives it."""
        return given[self.word] not in (None, [])

    def parameter(self, *, hidden: bool = False) -> Parameter:
        """Return the parameter of a command; help lists none that is hidden."""
        kind, many = _kind(self.field.annotation)
        names = [f"--{self.name}/--no-{self.name}" if kind is bool else f"--{self.name}"]
        heading = self.extra["group"] + (RARE if self.extra["rare"] else "")
        # numbers that may be written with units, such as 'auc ± 0.03', are read by the configuration
        metavar = "X" if float in (self.field.annotation, *get_args(self.field.annotation)) else None
        option = typer.Option(
            *names,
            help=self.help(many=many),
            metavar=metavar,
            rich_help_panel=heading,
            show_default=False,
            hidden=hidden,
            autocompletion=self.values(),
        )
        annotation: Any = list[kind] if many else kind  # type: ignore[valid-type]
        return Parameter(
            self.word, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[annotation | None, option]
        )

    def values(self) -> Callable[[], Any]:
        """Return what completes it: names of its family, its choices, or those that its default lists in full."""
        if self.extra["family"]:
            return names_of(self.extra["family"])
        default = self.field.default
        return one_of(*(_choices(self.field.annotation) or (default if isinstance(default, tuple) else ())))

    def help(self, *, many: bool) -> str:
        """Return one or two sentences."""
        text = with_names(self.field.description or "")
        choices = _choices(self.field.annotation)
        if missing := [choice for choice in choices if choice not in text]:
            text += f": {', '.join(missing)}" if missing == list(choices) else f" ({', '.join(missing)})"
        default = self.field.default
        plain = isinstance(default, str | int | float) and not isinstance(default, bool)
        sentences = [text[0].upper() + text[1:], *(["Repeatable"] if many else [])]
        if isinstance(default, bool):
            sentences.append(f"Default: {'yes' if default else 'no'}")
        elif plain and "efault" not in text:
            sentences.append(f"Default: {default}")
        return ". ".join(sentence.rstrip(".") for sentence in sentences) + "."


def flags() -> Iterator[Flag]:
    """Yield every field of the configuration that is an option, block by block."""
    yield from _flags(AuditConfig, (), set())


def _flags(model: type[BaseModel], path: tuple[str, ...], seen: set[type]) -> Iterator[Flag]:
    seen.add(model)
    for name, field in model.model_fields.items():
        if isinstance(field.json_schema_extra, dict) and "flag" in field.json_schema_extra:
            yield Flag((*path, name), field)
            continue
        for block in (field.annotation, *get_args(field.annotation)):
            # a block that a second key holds too is set by its first
            if isinstance(block, type) and issubclass(block, BaseModel) and block not in seen:
                yield from _flags(block, (*path, name), seen)


def _kind(annotation: Any) -> tuple[type, bool]:
    """Return what one value of a field is on the command line, and whether there may be several."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation, *others) = (of for of in get_args(annotation) if of is not type(None))
        if others:
            return str, False
    if get_origin(annotation) is tuple:
        return str, True
    return (annotation if annotation in (bool, int) else str), False


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    found = (_choices(of) for of in get_args(annotation) if of is not annotation)
    return next((choices for choices in found if choices), ())


@cache
def with_names(text: str) -> str:
    """Return a description with the names that registries hold."""
    if "{models}" in text:
        from unlearn_audit.models.zoo import MODELS

        text = text.replace("{models}", ", ".join(MODELS))
    if "{unlearning}" in text:
        from unlearn_audit.unlearning import METHODS

        text = text.replace("{unlearning}", ", ".join(METHODS))
    if "{defenses}" in text:
        from unlearn_audit.defenses.parse import usage

        text = text.replace("{defenses}", usage())
    return text


_Config = Annotated[
    Path | None,
    typer.Argument(help="A YAML file (docs/configuration.md); flags override it.", show_default=False),
]
_AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Also run code named in the YAML file: models, attacks, methods, defences, datasets.",
        rich_help_panel=f"Execution{RARE}",
    ),
]
CONFIG = Parameter("config", Parameter.KEYWORD_ONLY, default=None, annotation=_Config)
NO_REUSE = Parameter("no_reuse", Parameter.KEYWORD_ONLY, default=False, annotation=options.NoReuse)
HELP_ALL = Parameter("help_all", Parameter.KEYWORD_ONLY, default=False, annotation=options.HelpAll)
ALLOW_CODE = Parameter("allow_code", Parameter.KEYWORD_ONLY, default=False, annotation=_AllowCode)


def configured(command: Callable[..., None], without: Mapping[str, str] = MappingProxyType({})) -> Callable[..., None]:
    """Give a command the options of an audit, before its own; its first parameter is what they describe.

    Parameters
    ----------
    command
        The command.
    without
        By key or block of the configuration, why its options are refused: a sentence with a place for ``{flag}``.
    """
    found = list(flags())

    def specify(given: dict[str, Any]) -> AuditConfig:
        for flag in found:
            if (why := flag.one_of(without)) and flag.given_in(given):
                raise AuditError(why.format(flag=flag.name))
        path, no_reuse, allow_code = (given[of.name] for of in (CONFIG, NO_REUSE, ALLOW_CODE))
        values = _nested(found, given)
        if no_reuse:
            values["execution"] = {"reuse": "never"}
        data = values.get("target", {}).get("data", {})
        if {"name", "file"} <= data.keys():
            raise AuditError("--dataset and --data were both given; give one source of records")
        if path is None and "file" not in data and any(name in data for name in OF_A_TABLE):
            raise AuditError(
                "--label, --person, --na-values, --exclude and --keep belong to --data; give the table that they "
                "describe"
            )
        with deprecations_noted():
            if path is None:
                return build_config(values, "the command line")
            return read_config(path, values, allow_code=allow_code)

    parameters = (flag.parameter(hidden=flag.one_of(without) is not None) for flag in found)
    return _with_options(command, [CONFIG, *parameters, NO_REUSE, ALLOW_CODE], specify)


def configured_for_files(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that suit files of posteriors; its first parameter is what they describe."""
    found = [flag for flag in flags() if flag.extra["of_files"]]
    return _with_options(
        command,
        [flag.parameter() for flag in found],
        lambda given: build_config(_nested(found, given), "the command line"),
    )


def _with_options(
    command: Callable[..., None], asked: list[Parameter], specify: Callable[[dict[str, Any]], AuditConfig]
) -> Callable[..., None]:
    _, *own = signature(command, eval_str=True).parameters.values()
    required = [of for of in own if of.default is of.empty]
    names = [of.name for of in asked]

    def with_options(**given: Any) -> None:
        del given[HELP_ALL.name]
        specification = specify({name: given.pop(name) for name in names})
        command(specification, **given)

    others = [of for of in own if of not in required]
    parameters = [of.replace(kind=Parameter.KEYWORD_ONLY) for of in (*required, *asked, *others, HELP_ALL)]
    with_options.__doc__ = command.__doc__
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {of.name: of.annotation for of in parameters}
    return with_options


def _nested(found: list[Flag], given: dict[str, Any]) -> dict[str, Any]:
    """Return the flags that were given as nested dictionaries."""
    values: dict[str, Any] = {}
    for flag in found:
        if not flag.given_in(given):
            continue
        block = values
        for key in flag.path[:-1]:
            block = block.setdefault(key, {})
        block[flag.path[-1]] = given[flag.word]
    return values
