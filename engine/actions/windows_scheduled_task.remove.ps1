param($Arguments)
# Removes a task and what it left on this host.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Invoke-Schtasks($Words) {
    $ErrorActionPreference = 'Continue'
    $told = @(& schtasks.exe $Words 2>&1 | ForEach-Object { [string]$_ })
    @{ code = $LASTEXITCODE; told = ($told -join ' ') }
}

$task = 'RecoveryRunbooks-' + $Arguments.key
$asked = Invoke-Schtasks @('/Query', '/TN', $task)
if ($asked.code -eq 0) {
    $asked = Invoke-Schtasks @('/Delete', '/TN', $task, '/F')
    if ($asked.code -ne 0) { throw ('schtasks.exe ended with exit code ' + $asked.code + ': ' + $asked.told) }
}
# A scheduler that does not answer fails in the same way as one that does not know the task: its own file decides.
if (Test-Path -LiteralPath ($env:SystemRoot + '\System32\Tasks\' + $task)) {
    throw ('The task ' + $task + ' is still registered, and schtasks.exe says: ' + $asked.told)
}
$root = $env:ProgramFiles + '\RecoveryRunbooks'
if (Test-Path -LiteralPath $root) {
    $folder = [IO.Path]::Combine((Get-Item -LiteralPath $root -Force).FullName, 'task-' + $Arguments.key)
    if ([IO.Directory]::Exists($folder)) { [IO.Directory]::Delete($folder, $true) }
}
@{ removed = $true }
