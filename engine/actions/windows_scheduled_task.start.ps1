param($Arguments)
# Registers a task for a command line and begins it, both at most once; begun already, it is only said so.
# Its folder lies where only administrators may write, so that nobody else can put a command there beforehand.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Invoke-Program($Program, $Words) {
    $ErrorActionPreference = 'Continue'
    $told = @(& $Program $Words 2>&1 | ForEach-Object { [string]$_ })
    if ($LASTEXITCODE -ne 0) { throw ($Program + ' ended with exit code ' + $LASTEXITCODE + ': ' + ($told -join ' ')) }
}

$task = 'RecoveryRunbooks-' + $Arguments.key
$root = $env:ProgramFiles + '\RecoveryRunbooks'
$null = New-Item -Path $root -ItemType Directory -Force
$folder = [IO.Path]::Combine((Get-Item -LiteralPath $root -Force).FullName, 'task-' + $Arguments.key)
$registered = [IO.Path]::Combine($folder, 'registered.txt')
if ([IO.File]::Exists($registered) -and [IO.File]::ReadAllText($registered) -ne $Arguments.digest) {
    throw ('Another command line was begun under the key ' + $Arguments.key + '.')
}
if (-not [IO.File]::Exists($registered)) {
    if ([IO.Directory]::Exists($folder)) { [IO.Directory]::Delete($folder, $true) }
    $null = [IO.Directory]::CreateDirectory($folder)
    [IO.File]::WriteAllText([IO.Path]::Combine($folder, 'run.cmd'), $Arguments.run)
    [IO.File]::WriteAllText([IO.Path]::Combine($folder, 'work.cmd'), $Arguments.work)
    if ($Arguments.writer) { Invoke-Program 'icacls.exe' @($folder, '/grant', ($Arguments.writer + ':(OI)(CI)(M)')) }
    $line = '\"' + $root + '\task-' + $Arguments.key + '\run.cmd\"'
    # The time of the schedule is past, so that only the request below begins it.
    Invoke-Program 'schtasks.exe' (@('/Create', '/TN', $task, '/TR', $line, '/SC', 'ONCE', '/ST', '00:00', '/F') + @($Arguments.account))
    [IO.File]::WriteAllText($registered, $Arguments.digest)
}
$begun = -not [IO.File]::Exists([IO.Path]::Combine($folder, 'begun.txt'))
if ($begun) { Invoke-Program 'schtasks.exe' @('/Run', '/TN', $task) }
@{ begun = $begun }
