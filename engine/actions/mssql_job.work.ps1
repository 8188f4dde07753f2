param($Arguments)
# Runs in a process of its own: takes the job, sends the statement that lies in its folder, and leaves one file that
# tells how it ended. Both files get their names only when they are complete; of two processes one gets the job.
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

$folder = [string]$Arguments
$own = Get-WmiObject -Class Win32_Process -Filter ('ProcessId = ' + $PID)
$claim = [IO.Path]::Combine($folder, 'process.' + $PID)
[IO.File]::WriteAllText($claim, [string]$PID + '|' + (Get-Birth $own))
[IO.File]::Move($claim, [IO.Path]::Combine($folder, 'process.txt'))
$state = 'done'
$message = ''
$connection = $null
try {
    $job = Import-Clixml -Path ([IO.Path]::Combine($folder, 'data.xml'))
    $builder = New-Object Data.SqlClient.SqlConnectionStringBuilder
    $builder['Data Source'] = '.'
    if ($job.data.instance) { $builder['Data Source'] = '.\' + $job.data.instance }
    $builder['Initial Catalog'] = $job.data.database
    $builder['Integrated Security'] = $true
    $builder['Pooling'] = $false
    $builder['Application Name'] = $job.key
    $connection = New-Object Data.SqlClient.SqlConnection($builder.ConnectionString)
    $connection.Open()
    $command = $connection.CreateCommand()
    $command.CommandText = $job.data.text
    $command.CommandTimeout = $job.data.timeout_s
    foreach ($name in @($job.data.params.get_Keys())) {
        if ($name -eq $null) { continue }
        $null = $command.Parameters.AddWithValue('@' + $name, $job.data.params[$name])
    }
    $null = $command.ExecuteNonQuery()
} catch {
    $problem = $_.Exception
    while ($problem.InnerException -ne $null) { $problem = $problem.InnerException }
    $state = 'failed'
    $message = $problem.Message
} finally { if ($connection -ne $null) { $connection.Close() } }
$told = @{ state = $state; message = $message }
$fresh = [IO.Path]::Combine($folder, 'result.new')
$told | Export-Clixml -Path $fresh
[IO.File]::Move($fresh, [IO.Path]::Combine($folder, 'result.xml'))
$told
