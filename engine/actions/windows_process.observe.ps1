param($Arguments)
# The running processes of the given names, and how many processes were looked at. No command lines: they hold passwords.
$ErrorActionPreference = 'Stop'

$names = @($Arguments.names)
$examined = 0
$found = @()
foreach ($process in @(Get-WmiObject -Class Win32_Process)) {
    $examined++
    if ($names -contains $process.Name) {
        $started = ''
        if ($process.CreationDate) {
            $moment = $process.ConvertToDateTime($process.CreationDate).ToUniversalTime()
            $started = $moment.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
        }
        $found += @{ name = $process.Name; process_id = [int]$process.ProcessId; started = $started }
    }
}
@{ examined = $examined; processes = $found }
