"""``windows.xml_element``: one element with its attributes ensured in an XML file, by an XML interface, never by text.

The original stays beside the file under a backup name; the undo puts it back. A file that is absent or not well-formed
is refused and left as it is.
"""

import re
from collections.abc import Mapping

from engine.actions.base import BuiltIn, as_list, describe, script
from engine.actions.windows_path import backup_name, split
from engine.model.command import Argument, Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_STEP = re.compile(r"(?:\{(?P<namespace>[^{}]*)\})?(?P<name>[A-Za-z_][\w.-]*)")
_PATH = re.compile(r"(?:/(?:\{[^{}]*\})?[A-Za-z_][\w.-]*)+")


class WindowsXmlElement(BuiltIn):
    """Look at the element; add or complete it where it differs."""

    info = describe(
        "windows.xml_element",
        summary="An element with its attributes, ensured in an XML file; the original is kept beside it",
        effect=Effect.REVERSIBLE,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Look once."""
        del host
        return None if seen or _mistake(args) else script("windows_xml_element.observe.ps1", _place(args))

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Change only what differs."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Correct the step's arguments.")
        value = value_map(seen[0])
        refusal = _refusal(args, host.name, value)
        if refusal:
            return refusal
        file, element = str(args["file"]), f"<{args['element']}>"
        before, wanted = _attributes(value.get("attributes")), _attributes(args.get("attributes"))
        present = value.get("element_found") is True
        if present and all(before.get(name) == text for name, text in wanted.items()):
            result = {**_result(value, file), "element_found": True}
            return Unchanged(why=f"{element} is already as wanted in {file}", result=result, examined=1)
        folder, name = split(file)
        backup = backup_name(name, str(value.get("sha256")))
        change: dict[str, Argument] = {**_place(args), "sha256": str(value.get("sha256")), "backup": backup}
        restore: dict[str, Argument] = {"folder": folder, "name": name, "backup": backup}
        after = {**before, **wanted}
        return Change(
            why=f"{element} in {file} has other attributes" if present else f"{element} is missing in {file}",
            before=_shown(args, before) if present else "not there",
            after=_shown(args, after),
            commands=(script("windows_xml_element.ensure.ps1", change, changing=True),),
            undo=(script("windows_file.restore.ps1", restore, changing=True),),
            result={
                **_result(value, file),
                "element_found": True,
                "attributes": after,
                "backup": f"{folder}\\{backup}",
            },
        )


def _mistake(args: Arguments) -> str | None:
    if not _PATH.fullmatch(str(args["parent"])):
        return f"{args['parent']} is not a path of elements such as /configuration/runtime"
    if not _STEP.fullmatch(str(args["element"])):
        return f"{args['element']} is not the name of an element"
    given = args.get("attributes")
    if isinstance(given, Mapping) and any(isinstance(one, Secret) for one in given.values()):
        return "A secret cannot be an attribute, as the record shows attributes before and after"
    missing = [key for key in as_list(args.get("key")) if key not in _attributes(args.get("attributes"))]
    return f"The key {missing[0]} is not one of the attributes" if missing else None


def _step(text: str) -> dict[str, JsonValue]:
    found = _STEP.fullmatch(text)
    assert found is not None, text
    return {"name": found["name"], "namespace": found["namespace"]}


def _steps(args: Arguments) -> list[dict[str, JsonValue]]:
    return [_step(one) for one in re.findall(r"/((?:\{[^{}]*\})?[^/{}]+)", str(args["parent"]))]


def _attributes(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def _place(args: Arguments) -> dict[str, Argument]:
    return {
        "file": str(args["file"]),
        "parents": _steps(args),
        "element": _step(str(args["element"])),
        "attributes": _attributes(args.get("attributes")),
        "key": list(as_list(args.get("key"))),
    }


def _shown(args: Arguments, attributes: dict[str, str]) -> str:
    text = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{args['element']}{text} />"


def _result(value: JsonMap, file: str) -> dict[str, JsonValue]:
    return {
        "file": file,
        "found": value.get("found") is True,
        "well_formed": value.get("well_formed") is True,
        "element_found": value.get("element_found") is True,
        "attributes": _attributes(value.get("attributes")),
        "backup": None,
    }


def _refusal(args: Arguments, host: str, value: JsonMap) -> Refuse | None:
    file = str(args["file"])
    result = _result(value, file)
    if value.get("found") is not True:
        return Refuse(
            why=f"{file} is not on {host}",
            remedy="Check the path; a rolled-back installation may lack it.",
            result=result,
        )
    if value.get("well_formed") is not True:
        return Refuse(
            why=f"{file} on {host} is not well-formed XML: {str(value.get('error')).rstrip('.')}",
            remedy="Restore the file from a backup or from the installation media, then run the step again.",
            result=result,
        )
    root = _steps(args)[0]
    if value.get("root") != root["name"]:
        return Refuse(
            why=f"The root element of {file} is {value.get('root')} and not {root['name']}",
            remedy="Correct the step's parent, or check that this is the right file.",
            result=result,
        )
    return None
