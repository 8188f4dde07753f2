param($Arguments)
# What the Service Control Manager knows of each named service.
$ErrorActionPreference = 'Stop'

$services = @()
foreach ($name in @($Arguments.names)) {
    $service = Get-WmiObject -Class Win32_Service -Filter "Name='$name'"
    if ($service -eq $null) {
        $services += @{ name = $name; found = $false }
    } else {
        $services += @{
            name = $service.Name
            found = $true
            display_name = $service.DisplayName
            state = $service.State
            start_mode = $service.StartMode
            account = [string]$service.StartName
            path = [string]$service.PathName
            process_id = [int]$service.ProcessId
            exit_code = [long]$service.ExitCode
        }
    }
}
@{ services = $services }
