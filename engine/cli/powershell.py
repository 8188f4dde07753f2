"""Completion for PowerShell, which click does not know by itself."""

import os

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string


class PowerShellComplete(ShellComplete):
    """Reads what the registered completer put into the environment; answers one item a line, its help after a tab."""

    name = "powershell"
    source_template = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one to complete, and that one."""
        words = split_arg_string(os.environ.get("COMP_WORDS", ""))[1:]
        incomplete = os.environ.get("COMP_CWORD", "")
        if incomplete and words and words[-1] == incomplete:
            words.pop()
        return words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Value, tab, help."""
        return f"{item.value}\t{item.help or ''}"


def register() -> None:
    """Make click answer ``_RUNBOOK_COMPLETE=powershell_complete``."""
    add_completion_class(PowerShellComplete)
