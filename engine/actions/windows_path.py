"""Windows paths as text: which folder, which name, and what a backup is called."""


def split(path: str) -> tuple[str, str]:
    r"""Folder and name: ``C:\a\b`` is ``C:\a`` and ``b``; a folder that is a drive keeps its backslash."""
    folder, _, name = path.rstrip("\\").rpartition("\\")
    return (folder + "\\" if folder.endswith(":") else folder), name


def backup_name(name: str, digest: str) -> str:
    """The name of the original beside the changed file: made of its content, so that a second run neither
    overwrites another original nor keeps the same one twice.
    """
    return f"{name}.before-{digest[:12]}"


def second_hop(path: str) -> str:
    """What to add to a sentence that a path was not found: a remote session may be kept from a share."""
    if not path.startswith("\\\\"):
        return ""
    return "; a remote session may not go on to another computer, so a share can look absent that is there"
