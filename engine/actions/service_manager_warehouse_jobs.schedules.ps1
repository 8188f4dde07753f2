param($Arguments)
# Switches the schedules of the named data warehouse jobs on or off. A job that runs goes on to its end.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not (Test-Path -LiteralPath $Arguments.module)) { throw "The module $($Arguments.module) is not there." }
Import-Module -Name $Arguments.module

$verb = 'Disable'
if ($Arguments.enabled) { $verb = 'Enable' }
$command = @(Get-Command -Name "$verb-SCDWJobSchedule" -ErrorAction SilentlyContinue)
if ($command.Count -eq 0) { throw "The module $($Arguments.module) has no command $verb-SCDWJobSchedule." }
$set = $command[0]
foreach ($name in @($Arguments.names)) { & $set -JobName $name | Out-Null }
@{ switched = @($Arguments.names).Count }
