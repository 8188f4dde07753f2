param($Arguments)
# What lies at a path: kind, size, time, version and, where asked for, digest and whether texts occur in it.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function New-Sha256 {
    try { New-Object Security.Cryptography.SHA256Managed }
    catch {
        # Where only what is validated for FIPS 140 is allowed. PowerShell 2.0 does not load its assembly by itself.
        $null = [Reflection.Assembly]::Load('System.Core, Version=3.5.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089')
        New-Object Security.Cryptography.SHA256CryptoServiceProvider
    }
}

$answer = @{ found = $false; kind = $null; size = $null; modified = $null; version = $null; sha256 = $null; contains = $null }
if (-not (Test-Path -LiteralPath $Arguments.path)) { return $answer }

$item = Get-Item -LiteralPath $Arguments.path -Force
$answer.found = $true
if ($item.PSIsContainer) {
    $answer.kind = 'folder'
    return $answer
}
$answer.kind = 'file'
$answer.size = $item.Length
$answer.modified = $item.LastWriteTimeUtc.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
$answer.version = [Diagnostics.FileVersionInfo]::GetVersionInfo($item.FullName).FileVersion

if ($Arguments.sha256) {
    $stream = New-Object IO.FileStream($item.FullName, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete')
    try {
        $bytes = (New-Sha256).ComputeHash($stream)
    } finally { $stream.Close() }
    $answer.sha256 = [BitConverter]::ToString($bytes).Replace('-', '').ToLowerInvariant()
}
if ($Arguments.contains) {
    $missing = New-Object Collections.ArrayList
    foreach ($text in @($Arguments.contains)) { $null = $missing.Add($text) }
    $stream = New-Object IO.FileStream($item.FullName, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete')
    $reader = New-Object IO.StreamReader($stream, (New-Object Text.UTF8Encoding($false)), $true)
    try {
        while ($missing.Count -gt 0 -and ($line = $reader.ReadLine()) -ne $null) {
            foreach ($text in $missing.ToArray()) { if ($line.Contains($text)) { $missing.Remove($text) } }
        }
    } finally { $reader.Close() }
    $answer.contains = ($missing.Count -eq 0)
}
$answer
