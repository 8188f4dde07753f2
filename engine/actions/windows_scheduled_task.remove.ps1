param($Arguments)
# Removes a task and what it left on this host.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Invoke-Schtasks($Words) {
    $ErrorActionPreference = 'Continue'
    $null = & schtasks.exe $Words 2>&1
    $LASTEXITCODE
}

$task = 'RecoveryRunbooks-' + $Arguments.key
if ((Invoke-Schtasks @('/Query', '/TN', $task)) -eq 0) {
    $code = Invoke-Schtasks @('/Delete', '/TN', $task, '/F')
    if ($code -ne 0) { throw ('schtasks.exe ended with exit code ' + $code + '.') }
}
$root = $env:ProgramFiles + '\RecoveryRunbooks'
if (Test-Path -LiteralPath $root) {
    $folder = [IO.Path]::Combine((Get-Item -LiteralPath $root -Force).FullName, 'task-' + $Arguments.key)
    if ([IO.Directory]::Exists($folder)) { [IO.Directory]::Delete($folder, $true) }
}
@{ removed = $true }
