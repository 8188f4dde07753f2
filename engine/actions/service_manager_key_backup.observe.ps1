param($Arguments)
# A backup of the encryption key, whether it can be opened and when it was written; and what tells of the installation.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$culture = [Globalization.CultureInfo]::InvariantCulture
$form = "yyyy-MM-dd'T'HH:mm:ss'Z'"

$answer = @{ found = $false; kind = $null; size = $null; modified = $null; readable = $false; folder_created = $null; programs = @() }
if (Test-Path -LiteralPath $Arguments.path) {
    $item = Get-Item -LiteralPath $Arguments.path -Force
    $answer.found = $true
    $answer.kind = 'folder'
    if (-not $item.PSIsContainer) {
        $answer.kind = 'file'
        $answer.size = $item.Length
        $answer.modified = $item.LastWriteTimeUtc.ToString($form, $culture)
        try {
            $stream = New-Object IO.FileStream($item.FullName, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete')
            try { $answer.readable = ($stream.ReadByte() -ge 0) } finally { $stream.Close() }
        } catch { $answer.readable = $false }
    }
}
if ($Arguments.folder -and (Test-Path -LiteralPath $Arguments.folder)) {
    $answer.folder_created = (Get-Item -LiteralPath $Arguments.folder -Force).CreationTimeUtc.ToString($form, $culture)
}
$programs = New-Object Collections.ArrayList
$key = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
if (Test-Path -LiteralPath $key) {
    foreach ($child in @(Get-ChildItem -LiteralPath $key | Sort-Object -Property PSChildName)) {
        if ($child -eq $null) { continue }
        $name = $child.GetValue('DisplayName')
        if (-not ($name -like '*Service Manager*')) { continue }
        # Windows Installer writes a local date; the day begins at the computer's own midnight.
        $day = [datetime]::MinValue
        $date = $null
        if ([datetime]::TryParseExact([string]$child.GetValue('InstallDate'), 'yyyyMMdd', $culture, 'None', [ref]$day)) {
            $date = $day.ToUniversalTime().ToString($form, $culture)
        }
        $null = $programs.Add(@{ name = [string]$name; installed = $date })
    }
}
$answer.programs = $programs.ToArray()
$answer
