param($Arguments)
# Imports one management pack from its file.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not (Test-Path -LiteralPath $Arguments.module)) { throw "The module $($Arguments.module) is not there." }
if (-not (Test-Path -LiteralPath $Arguments.file)) { throw "There is no file $($Arguments.file)." }
Import-Module -Name $Arguments.module

$command = @(Get-Command -Name 'Import-SCSMManagementPack', 'Import-SCManagementPack' -ErrorAction SilentlyContinue)
if ($command.Count -eq 0) { throw "The module $($Arguments.module) has no command Import-SCSMManagementPack." }
$import = $command[0]
& $import -Fullname $Arguments.file | Out-Null
@{ imported = $Arguments.file }
