param($Arguments)
# Size and free space of the volume that holds a path; mount points count as volumes of their own.
$ErrorActionPreference = 'Stop'

$path = $Arguments.path
$best = $null
foreach ($volume in @(Get-WmiObject -Class Win32_Volume -Filter 'DriveType=3')) {
    if (-not $path.StartsWith($volume.Name, [StringComparison]::OrdinalIgnoreCase)) { continue }
    if ($best -eq $null -or $volume.Name.Length -gt $best.Name.Length) { $best = $volume }
}
if ($best -eq $null) { return @{ found = $false } }
@{
    found = $true
    volume = $best.Name
    label = [string]$best.Label
    size_bytes = [long]$best.Capacity
    free_bytes = [long]$best.FreeSpace
}
