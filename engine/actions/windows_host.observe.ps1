param($Arguments)
# Who this machine is, what it runs, since when, and what time it believes it is.
$ErrorActionPreference = 'Stop'

function ConvertTo-UtcText($Moment) {
    $Moment.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
}

$os = Get-WmiObject -Class Win32_OperatingSystem
$computer = Get-WmiObject -Class Win32_ComputerSystem
$now = Get-Date
$booted = $os.ConvertToDateTime($os.LastBootUpTime)
$fqdn = $computer.Name
if ($computer.PartOfDomain) { $fqdn = $computer.Name + '.' + $computer.Domain }
@{
    computer_name = $computer.Name
    fqdn = $fqdn.ToLowerInvariant()
    domain_joined = [bool]$computer.PartOfDomain
    os_caption = $os.Caption.Trim()
    os_version = $os.Version
    boot_id = ConvertTo-UtcText $booted
    uptime_s = [int][Math]::Floor(($now.ToUniversalTime() - $booted.ToUniversalTime()).TotalSeconds)
    powershell_version = $PSVersionTable.PSVersion.ToString()
    clock = ConvertTo-UtcText $now
}
