param($Arguments)
# The newest records of one event log that match, read backwards from its end.
$ErrorActionPreference = 'Stop'

$log = Get-EventLog -List | Where-Object { $_.Log -eq $Arguments.log }
if ($log -eq $null) { return @{ log_found = $false; examined = 0; complete = $true; events = @() } }

$culture = [Globalization.CultureInfo]::InvariantCulture
$ids = @($Arguments.ids)
$sources = @($Arguments.sources)
$since = [datetime]::MinValue
if ($Arguments.since) {
    $since = [datetime]::ParseExact($Arguments.since, "yyyy-MM-dd'T'HH:mm:ss'Z'", $culture, 'AssumeUniversal, AdjustToUniversal')
}

if ($Arguments.within_s) { $since = (Get-Date).ToUniversalTime().AddSeconds(-$Arguments.within_s) }
$levels = @($Arguments.levels)

$entries = $log.Entries
$events = @()
$examined = 0
$complete = $true
for ($i = $entries.Count - 1; $i -ge 0; $i--) {
    if ($examined -ge $Arguments.scan_limit -or $events.Count -ge $Arguments.limit) { $complete = $false; break }
    $entry = $entries[$i]
    $examined++
    $time = $entry.TimeGenerated.ToUniversalTime()
    if ($time -lt $since) {
        # A clock that was set back puts older times behind newer ones, so look one day further.
        if ($time -lt $since.AddDays(-1)) { break }
        continue
    }
    # The upper bits of an event id are its severity and facility.
    $id = $entry.EventID -band 0xFFFF
    if ($ids.Count -gt 0 -and -not ($ids -contains $id)) { continue }
    if ($sources.Count -gt 0 -and -not ($sources -contains $entry.Source)) { continue }
    $level = $entry.EntryType.ToString()
    if ($level -eq '0') { $level = 'Information' }
    if ($levels.Count -gt 0 -and -not ($levels -contains $level)) { continue }
    $events += @{
        time = $time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $culture)
        id = [int]$id
        source = $entry.Source
        level = $level
        message = [string]$entry.Message
        strings = @($entry.ReplacementStrings | ForEach-Object { [string]$_ })
        record = [int]$entry.Index
    }
}
@{ log_found = $true; examined = $examined; complete = $complete; events = $events }
