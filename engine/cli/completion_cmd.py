"""``runbook completion``."""

import click

POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName runbook -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:_RUNBOOK_COMPLETE = 'powershell_complete'
    $env:COMP_WORDS = $commandAst.ToString()
    $env:COMP_CWORD = $wordToComplete
    runbook | ForEach-Object {
        $parts = $_ -split "`t", 2
        $help = if ($parts.Length -gt 1 -and $parts[1]) { $parts[1] } else { $parts[0] }
        [System.Management.Automation.CompletionResult]::new($parts[0], $parts[0], 'ParameterValue', $help)
    }
    Remove-Item Env:_RUNBOOK_COMPLETE, Env:COMP_WORDS, Env:COMP_CWORD
}
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL; each script's first use is shown here.

    \b
    bash        eval "$(runbook completion bash)"
    zsh         eval "$(runbook completion zsh)"
    fish        runbook completion fish | source
    powershell  runbook completion powershell | Out-String | Invoke-Expression
    """
    if shell == "powershell":
        click.echo(POWERSHELL, nl=False)
        return
    from click.shell_completion import get_completion_class

    from engine.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "runbook", "_RUNBOOK_COMPLETE").source())
