param($Arguments)
# Reads the version that each database says it has and that of its management packs; one that cannot be read is unknown, with the reason.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Get-FirstColumn($database, $query) {
    $builder = New-Object Data.SqlClient.SqlConnectionStringBuilder
    $builder['Data Source'] = '.'
    if ($Arguments.instance) { $builder['Data Source'] = '.\' + $Arguments.instance }
    $builder['Initial Catalog'] = $database
    $builder['Integrated Security'] = $true
    $builder['Pooling'] = $false
    $builder['Application Name'] = 'recovery-runbooks'
    $connection = New-Object Data.SqlClient.SqlConnection($builder.ConnectionString)
    try {
        $connection.Open()
        $command = $connection.CreateCommand()
        $command.CommandText = $query
        $command.CommandTimeout = 30
        $reader = $command.ExecuteReader()
        try { while ($reader.Read()) { if (-not ($reader.GetValue(0) -is [DBNull])) { [string]$reader.GetValue(0) } } }
        finally { $reader.Close() }
    } finally { $connection.Close() }
}

$names = @($Arguments.databases)
if ($names.Length -eq 0) { $names = @(Get-FirstColumn 'master' $Arguments.names_query) }
$databases = @{}
foreach ($name in $names) {
    $one = @{ version = $null; management_packs = $null; why = $null }
    try {
        $values = @(Get-FirstColumn $name $Arguments.version_query)
        if ($values.Length -eq 1) { $one.version = $values[0] } else { $one.why = 'the table has ' + $values.Length + ' rows' }
    } catch {
        $one.why = $_.Exception.GetBaseException().Message
    }
    # Not every database holds management packs, so a failure here says nothing about the database.
    try {
        $values = @(Get-FirstColumn $name $Arguments.packs_query)
        if ($values.Length -eq 1) { $one.management_packs = $values[0] }
    } catch { $one.management_packs = $null }
    $databases[$name] = $one
}
@{ databases = $databases }
