param($Arguments)
# Removes what an ended job left on this host; a job whose process is there is left alone.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Get-Birth($Process) {
    # In UTC: Windows tells the same moment in other words once the clocks were changed. Reckoned from WMI's own text
    # (time of day, then minutes of offset), as .NET takes the hour that an autumn night has twice for two hours.
    $told = [string]$Process.CreationDate
    if ($told.Length -lt 25) { return '' }
    $culture = [Globalization.CultureInfo]::InvariantCulture
    $moment = [datetime]::ParseExact($told.Substring(0, 21), 'yyyyMMddHHmmss.ffffff', $culture)
    $moment.AddMinutes(0 - [int]::Parse($told.Substring(21), $culture)).ToString('yyyyMMddHHmmss.ffffff', $culture)
}

$root = [IO.Path]::Combine($env:ProgramFiles, 'RecoveryRunbooks')
$forgotten = $false
if (Test-Path -LiteralPath $root) {
    $folder = [IO.Path]::Combine((Get-Item -LiteralPath $root -Force).FullName, 'job-' + $Arguments.key)
    if ([IO.Directory]::Exists($folder)) {
        $started = [IO.Path]::Combine($folder, 'process.txt')
        $process = $null
        if ([IO.File]::Exists($started) -and -not [IO.File]::Exists([IO.Path]::Combine($folder, 'result.xml'))) {
            $known = [IO.File]::ReadAllText($started).Split('|')
            $process = Get-WmiObject -Class Win32_Process -Filter ('ProcessId = ' + [int]$known[0])
            if ($process -ne $null -and (Get-Birth $process) -ne $known[1]) { $process = $null }
        }
        if ($process -eq $null) {
            [IO.Directory]::Delete($folder, $true)
            $forgotten = $true
        }
    }
}
@{ forgotten = $forgotten }
