param($Arguments)
# Runs one query on an instance of this host as the account of the session; the rows come back as typed values.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$invariant = [Globalization.CultureInfo]::InvariantCulture

function ConvertTo-Plain($value) {
    if ($value -is [DBNull]) { return $null }
    if ($value -is [bool] -or $value -is [string]) { return $value }
    if ($value -is [byte] -or $value -is [int16] -or $value -is [int32] -or $value -is [int64]) { return [int64]$value }
    if ($value -is [double] -or $value -is [single]) { return [double]$value }
    if ($value -is [decimal]) { return $value.ToString($invariant) }
    if ($value -is [DateTime]) { return $value.ToString("yyyy-MM-dd'T'HH:mm:ss.fff", $invariant) }
    if ($value -is [byte[]]) { return '0x' + [BitConverter]::ToString($value).Replace('-', '') }
    return [Convert]::ToString($value, $invariant)
}

$builder = New-Object Data.SqlClient.SqlConnectionStringBuilder
$builder['Data Source'] = '.'
if ($Arguments.instance) { $builder['Data Source'] = '.\' + $Arguments.instance }
$builder['Initial Catalog'] = $Arguments.database
$builder['Integrated Security'] = $true
$builder['Pooling'] = $false
$builder['Application Name'] = 'recovery-runbooks'
$connection = New-Object Data.SqlClient.SqlConnection($builder.ConnectionString)
$columns = New-Object Collections.ArrayList
$rows = New-Object Collections.ArrayList
$truncated = $false
try {
    $connection.Open()
    $command = $connection.CreateCommand()
    $command.CommandText = $Arguments.query
    $command.CommandTimeout = $Arguments.timeout_s
    foreach ($name in @($Arguments.params.get_Keys())) {
        if ($name -eq $null) { continue }
        $value = $Arguments.params[$name]
        if ($value -eq $null) { $value = [DBNull]::Value }
        $null = $command.Parameters.AddWithValue('@' + $name, $value)
    }
    $reader = $command.ExecuteReader()
    try {
        $names = @{}
        for ($i = 0; $i -lt $reader.FieldCount; $i++) {
            $name = $reader.GetName($i)
            if (-not $name) { $name = 'column_' + ($i + 1) }
            if ($names.ContainsKey($name)) { throw ('The query has two columns named ' + $name + '.') }
            $names[$name] = $true
            $null = $columns.Add(@{ name = $name; type = $reader.GetDataTypeName($i) })
        }
        while ($reader.Read()) {
            if ($rows.Count -ge $Arguments.max_rows) {
                $truncated = $true
                # Else closing the reader would read all that is left.
                $command.Cancel()
                break
            }
            $row = @{}
            for ($i = 0; $i -lt $columns.Count; $i++) { $row[$columns[$i].name] = ConvertTo-Plain $reader.GetValue($i) }
            $null = $rows.Add($row)
        }
    } finally { $reader.Close() }
} finally { $connection.Close() }
@{ columns = $columns.ToArray(); rows = $rows.ToArray(); truncated = $truncated }
