param($Arguments)
# Sends statements to an instance of this host in their order, all on one connection. Those under 'lastly' follow in any
# case, also when one before them failed, so that a database is not left as only the middle of a sequence wants it.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Send-Statement($Connection, $Statement) {
    $command = $Connection.CreateCommand()
    $command.CommandText = $Statement.text
    $command.CommandTimeout = $Arguments.timeout_s
    foreach ($name in @($Statement.params.get_Keys())) {
        if ($name -eq $null) { continue }
        $null = $command.Parameters.AddWithValue('@' + $name, $Statement.params[$name])
    }
    $null = $command.ExecuteNonQuery()
}

function Get-Reason($Problem) {
    $exception = $Problem.Exception
    while ($exception.InnerException -ne $null) { $exception = $exception.InnerException }
    $exception.Message
}

$builder = New-Object Data.SqlClient.SqlConnectionStringBuilder
$builder['Data Source'] = '.'
if ($Arguments.instance) { $builder['Data Source'] = '.\' + $Arguments.instance }
$builder['Initial Catalog'] = $Arguments.database
$builder['Integrated Security'] = $true
$builder['Pooling'] = $false
$builder['Application Name'] = 'recovery-runbooks'
$connection = New-Object Data.SqlClient.SqlConnection($builder.ConnectionString)
$sent = 0
$problems = @()
try {
    $connection.Open()
    try {
        foreach ($one in @($Arguments.statements)) {
            Send-Statement $connection $one
            $sent++
        }
    } catch { $problems += Get-Reason $_ }
    foreach ($one in @($Arguments.lastly)) {
        if ($one -eq $null) { continue }
        try {
            Send-Statement $connection $one
            $sent++
        } catch { $problems += 'Afterwards: ' + (Get-Reason $_) }
    }
} finally { $connection.Close() }
if ($problems.Count -gt 0) { throw ($problems -join ' ') }
@{ sent = $sent }
