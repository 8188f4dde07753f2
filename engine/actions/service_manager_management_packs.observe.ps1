param($Arguments)
# The management packs that the data access service of this computer gives.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not (Test-Path -LiteralPath $Arguments.module)) { throw "The module $($Arguments.module) is not there." }
Import-Module -Name $Arguments.module

$command = @(Get-Command -Name 'Get-SCSMManagementPack', 'Get-SCManagementPack' -ErrorAction SilentlyContinue)
if ($command.Count -eq 0) { throw "The module $($Arguments.module) has no command Get-SCSMManagementPack." }
$get = $command[0]
$packs = New-Object Collections.ArrayList
foreach ($pack in @(& $get)) {
    if ($pack -eq $null) { continue }
    $null = $packs.Add(@{ name = [string]$pack.Name; version = [string]$pack.Version; sealed = [bool]$pack.Sealed })
}
@{ packs = $packs.ToArray() }
