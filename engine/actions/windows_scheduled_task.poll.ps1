param($Arguments)
# How far a command line in a scheduled task is, by the files that it leaves: registered, begun, ended.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Get-Tail($Path) {
    # Only the end, as an output can be of any length; and what the command line left behind may still write to it.
    $stream = New-Object IO.FileStream($Path, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete')
    try {
        $stream.Position = [Math]::Max([long]0, [long]($stream.Length - 16000))
        $bytes = New-Object 'byte[]' 16000
        $filled = 0
        while (($read = $stream.Read($bytes, $filled, $bytes.Length - $filled)) -gt 0) { $filled += $read }
    } finally { $stream.Close() }
    $text = [Console]::OutputEncoding.GetString($bytes, 0, $filled)
    if ($text.Length -gt 4000) { $text = $text.Substring($text.Length - 4000) }
    $text
}

$state = 'unknown'
$message = 'the task is not on this host'
$there = $false
$code = $null
$output = ''
$root = $env:ProgramFiles + '\RecoveryRunbooks'
if (Test-Path -LiteralPath $root) {
    $folder = [IO.Path]::Combine((Get-Item -LiteralPath $root -Force).FullName, 'task-' + $Arguments.key)
    $registered = [IO.Path]::Combine($folder, 'registered.txt')
    $begun = [IO.Path]::Combine($folder, 'begun.txt')
    $ended = [IO.Path]::Combine($folder, 'exit.txt')
    if ([IO.File]::Exists($registered)) {
        $there = $true
        $state = 'running'
        $message = ''
        if ([IO.File]::Exists($begun)) {
            $system = Get-WmiObject -Class Win32_OperatingSystem
            $booted = $system.ConvertToDateTime($system.LastBootUpTime).ToUniversalTime()
            if ([IO.File]::GetLastWriteTimeUtc($begun) -lt $booted) {
                $state = 'unknown'
                $message = 'the computer was restarted while it was at work'
            }
        } elseif (((Get-Date).ToUniversalTime() - [IO.File]::GetLastWriteTimeUtc($registered)).TotalSeconds -gt $Arguments.patience_s) {
            $state = 'failed'
            $message = 'the task did not begin within ' + $Arguments.patience_s + ' s, and may still do so'
        }
        # Read last, so that a task that ended meanwhile is not taken for one that is lost.
        if ([IO.File]::Exists($ended)) {
            $state = 'done'
            $message = ''
            $code = [int]([IO.File]::ReadAllText($ended).Trim())
            $written = [IO.Path]::Combine($folder, 'output.txt')
            if ([IO.File]::Exists($written)) { $output = Get-Tail $written }
        }
    }
}
@{ state = $state; percent = $null; message = $message; there = $there; exit_code = $code; output = $output }
