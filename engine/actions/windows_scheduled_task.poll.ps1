param($Arguments)
# How far a command line in a scheduled task is, by the files that it leaves: registered, begun, ended.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
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
            $message = 'the task did not begin'
        }
        # Read last, so that a task that ended meanwhile is not taken for one that is lost.
        if ([IO.File]::Exists($ended)) {
            $state = 'done'
            $message = ''
            $code = [int]([IO.File]::ReadAllText($ended).Trim())
            $written = [IO.Path]::Combine($folder, 'output.txt')
            if ([IO.File]::Exists($written)) { $output = [IO.File]::ReadAllText($written, [Console]::OutputEncoding) }
            if ($output.Length -gt 4000) { $output = $output.Substring($output.Length - 4000) }
        }
    }
}
@{ state = $state; percent = $null; message = $message; there = $there; exit_code = $code; output = $output }
