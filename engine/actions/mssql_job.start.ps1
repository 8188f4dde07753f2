param($Arguments)
# Begins a statement in a process of its own, which outlives this session; begun already, it is only said so.
# The process itself takes the job, so that a start that was broken off half way can be sent again.
# Its folder lies where only administrators may write, so that nobody else can put a script there beforehand.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$jobs = [IO.Path]::Combine($env:ProgramFiles, 'RecoveryRunbooks')
$null = New-Item -Path $jobs -ItemType Directory -Force
$folder = [IO.Path]::Combine((Get-Item -LiteralPath $jobs -Force).FullName, 'job-' + $Arguments.key)
$taken = [IO.Path]::Combine($folder, 'process.txt')
$content = [IO.Path]::Combine($folder, 'digest.txt')
$nobody = '0|nobody'
$known = [IO.File]::Exists($content)
if ($known -and [IO.File]::ReadAllText($content) -ne $Arguments.digest) {
    throw ('Another statement was begun under the key ' + $Arguments.key + '.')
}
if ([IO.File]::Exists($taken) -and [IO.File]::ReadAllText($taken) -eq $nobody) { [IO.File]::Delete($taken) }
$begun = -not [IO.File]::Exists($taken)
if ($begun) {
    $work = [IO.Path]::Combine($folder, 'work.ps1')
    if (-not $known) {
        $null = [IO.Directory]::CreateDirectory($folder)
        [IO.File]::WriteAllText($work, $Arguments.work, [Text.Encoding]::ASCII)
        $data = @{ key = $Arguments.key; data = $Arguments.data }
        $data | Export-Clixml -Path ([IO.Path]::Combine($folder, 'data.xml'))
        # Written last: where it is, the rest is complete.
        [IO.File]::WriteAllText($content, $Arguments.digest)
    }
    $line = 'powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{0}" "{1}"' -f $work, $folder
    $made = Invoke-WmiMethod -Class Win32_Process -Name Create -ArgumentList $line
    if ($made.ReturnValue -ne 0) { throw ('The process could not be started: code ' + $made.ReturnValue + '.') }
    for ($i = 0; $i -lt $Arguments.looks -and -not [IO.File]::Exists($taken); $i++) { Start-Sleep -Milliseconds 200 }
    if (-not [IO.File]::Exists($taken)) {
        # Takes the job from a process that comes too late, as its work would be nobody's; one just in time keeps it.
        $late = [IO.Path]::Combine($folder, 'process.none')
        [IO.File]::WriteAllText($late, $nobody)
        try { [IO.File]::Move($late, $taken) } catch { $late = $null }
        if ($late -ne $null) {
            throw ('The process was started and did not take up its work. ' +
                'A policy that lets only signed scripts run does that: see Get-ExecutionPolicy -List on the host.')
        }
    }
}
@{ begun = $begun }
