param($Arguments)
# Begins a statement in a process of its own, which outlives this session; begun already, it is only said so.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$jobs = [IO.Path]::Combine($env:ProgramData, 'RecoveryRunbooks')
$null = New-Item -Path $jobs -ItemType Directory -Force
$folder = [IO.Path]::Combine((Get-Item -LiteralPath $jobs -Force).FullName, 'job-' + $Arguments.key)
$started = [IO.Path]::Combine($folder, 'process.txt')
$content = [IO.Path]::Combine($folder, 'digest.txt')
$begun = -not [IO.File]::Exists($started)
if (-not $begun -and [IO.File]::ReadAllText($content) -ne $Arguments.digest) {
    throw ('Another statement was begun under the key ' + $Arguments.key + '.')
}
if ($begun) {
    if ([IO.Directory]::Exists($folder)) { [IO.Directory]::Delete($folder, $true) }
    $null = [IO.Directory]::CreateDirectory($folder)
    $work = [IO.Path]::Combine($folder, 'work.ps1')
    [IO.File]::WriteAllText($work, $Arguments.work, [Text.Encoding]::ASCII)
    [IO.File]::WriteAllText($content, $Arguments.digest)
    $data = @{ key = $Arguments.key; data = $Arguments.data }
    $data | Export-Clixml -Path ([IO.Path]::Combine($folder, 'data.xml'))
    $line = 'powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{0}" "{1}"' -f $work, $folder
    $made = Invoke-WmiMethod -Class Win32_Process -Name Create -ArgumentList $line
    if ($made.ReturnValue -ne 0) { throw ('The process could not be started: code ' + $made.ReturnValue + '.') }
    $process = Get-WmiObject -Class Win32_Process -Filter ('ProcessId = ' + $made.ProcessId)
    $since = ''
    if ($process -ne $null) { $since = [string]$process.CreationDate }
    [IO.File]::WriteAllText($started, [string]$made.ProcessId + '|' + $since)
}
@{ begun = $begun }
