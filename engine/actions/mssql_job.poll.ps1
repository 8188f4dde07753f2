param($Arguments)
# How far a job is: its result if it has left one, at work if its process is there, else nobody knows.
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
$state = 'unknown'
$message = 'the job is not on this host'
$percent = $null
if (Test-Path -LiteralPath $root) {
    $folder = [IO.Path]::Combine((Get-Item -LiteralPath $root -Force).FullName, 'job-' + $Arguments.key)
    $result = [IO.Path]::Combine($folder, 'result.xml')
    $started = [IO.Path]::Combine($folder, 'process.txt')
    if ([IO.File]::Exists($started)) {
        $message = 'its process is gone and left no result'
        $known = [IO.File]::ReadAllText($started).Split('|')
        $process = Get-WmiObject -Class Win32_Process -Filter ('ProcessId = ' + [int]$known[0])
        if ($process -ne $null -and (Get-Birth $process) -eq $known[1]) {
            $state = 'running'
            $message = ''
        }
    }
    # Read last, so that a job that ended meanwhile is not taken for one that is gone.
    if ([IO.File]::Exists($result)) {
        $told = Import-Clixml -Path $result
        $state = [string]$told.state
        $message = [string]$told.message
    }
}
if ($state -eq 'running') {
    $builder = New-Object Data.SqlClient.SqlConnectionStringBuilder
    $builder['Data Source'] = '.'
    if ($Arguments.instance) { $builder['Data Source'] = '.\' + $Arguments.instance }
    $builder['Initial Catalog'] = 'master'
    $builder['Integrated Security'] = $true
    $builder['Pooling'] = $false
    $builder['Application Name'] = 'recovery-runbooks'
    $connection = New-Object Data.SqlClient.SqlConnection($builder.ConnectionString)
    try {
        $connection.Open()
        $command = $connection.CreateCommand()
        $command.CommandText = $Arguments.percent
        $null = $command.Parameters.AddWithValue('@key', $Arguments.key)
        $value = $command.ExecuteScalar()
        if ($value -ne $null -and $value -isnot [DBNull]) { $percent = [double]$value }
    } catch {
        $message = 'SQL Server does not tell how far it is'
    } finally { $connection.Close() }
}
@{ state = $state; percent = $percent; message = $message }
