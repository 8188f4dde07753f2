param($Arguments)
# The data warehouse jobs of this server, what they are at, and whether their schedules are on.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not (Test-Path -LiteralPath $Arguments.module)) { throw "The module $($Arguments.module) is not there." }
Import-Module -Name $Arguments.module

function Get-ProductCommand($Name) {
    $found = @(Get-Command -Name $Name -ErrorAction SilentlyContinue)
    if ($found.Count -eq 0) { throw "The module $($Arguments.module) has no command $Name." }
    $found[0]
}

$getJobs = Get-ProductCommand 'Get-SCDWJob'
$getSchedules = Get-ProductCommand 'Get-SCDWJobSchedule'
$jobs = New-Object Collections.ArrayList
foreach ($job in @(& $getJobs)) {
    if ($job -ne $null) { $null = $jobs.Add(@{ name = [string]$job.Name; status = [string]$job.Status }) }
}
$schedules = New-Object Collections.ArrayList
foreach ($one in @(& $getSchedules)) {
    if ($one -eq $null) { continue }
    $told = [string]$one.ScheduleEnabled
    if (-not ('True', 'False' -contains $told)) { throw "The schedule of $($one.Name) does not tell whether it is on." }
    $null = $schedules.Add(@{ name = [string]$one.Name; enabled = ($told -eq 'True') })
}
@{ jobs = $jobs.ToArray(); schedules = $schedules.ToArray() }
