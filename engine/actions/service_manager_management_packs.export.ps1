param($Arguments)
# Writes the named unsealed management packs into a folder that is there, one file each.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not (Test-Path -LiteralPath $Arguments.folder -PathType Container)) { throw "There is no folder $($Arguments.folder)." }
if (-not (Test-Path -LiteralPath $Arguments.module)) { throw "The module $($Arguments.module) is not there." }
Import-Module -Name $Arguments.module

function Get-ProductCommand($Names) {
    $found = @(Get-Command -Name $Names -ErrorAction SilentlyContinue)
    if ($found.Count -eq 0) { throw "The module $($Arguments.module) has no command $($Names[0])." }
    $found[0]
}

$get = Get-ProductCommand 'Get-SCSMManagementPack', 'Get-SCManagementPack'
$export = Get-ProductCommand 'Export-SCSMManagementPack', 'Export-SCManagementPack'
$written = 0
foreach ($pack in @(& $get)) {
    if ($pack -eq $null -or $pack.Sealed -or -not (@($Arguments.names) -contains $pack.Name)) { continue }
    $pack | & $export -Path $Arguments.folder | Out-Null
    $written++
}
@{ written = $written }
