param($Arguments)
# Writes a file in pieces beside its place, and renames it when size and digest are right. Windows PowerShell 2.0.
$ErrorActionPreference = 'Stop'

function Get-FullName($Path) {
    # .NET knows no PowerShell drives and has a working directory of its own: ask the provider.
    $folder = Split-Path -Path $Path -Parent
    if (-not $folder) { $folder = '.' }
    $full = (Get-Item -LiteralPath $folder -Force).FullName
    [System.IO.Path]::Combine($full, (Split-Path -Path $Path -Leaf))
}

function New-Sha256 {
    try { New-Object Security.Cryptography.SHA256Managed }
    catch {
        # Where only what is validated for FIPS 140 is allowed. PowerShell 2.0 does not load its assembly by itself.
        $null = [Reflection.Assembly]::Load('System.Core, Version=3.5.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089')
        New-Object Security.Cryptography.SHA256CryptoServiceProvider
    }
}

function Get-Sha256($Path) {
    $algorithm = New-Sha256
    $stream = [System.IO.File]::OpenRead($Path)
    try {
        [BitConverter]::ToString($algorithm.ComputeHash($stream)).Replace('-', '').ToLowerInvariant()
    } finally {
        $stream.Close()
    }
}

$part = Get-FullName $Arguments.part
if ($Arguments.operation -eq 'append') {
    $piece = [Convert]::FromBase64String($Arguments.piece)
    $stream = [System.IO.File]::Open($part, [System.IO.FileMode]::OpenOrCreate, [System.IO.FileAccess]::Write)
    try {
        $stream.SetLength([long]$Arguments.offset)
        $stream.Position = [long]$Arguments.offset
        $stream.Write($piece, 0, $piece.Length)
    } finally {
        $stream.Close()
    }
    @{ written = $piece.Length }
} elseif ($Arguments.operation -eq 'finish') {
    $path = Get-FullName $Arguments.path
    $size = (New-Object -TypeName System.IO.FileInfo -ArgumentList $part).Length
    if ($size -ne $Arguments.size) { throw "the file arrived with $size bytes instead of $($Arguments.size)" }
    if ((Get-Sha256 $part) -ne $Arguments.sha256) { throw 'the file arrived damaged: its SHA-256 differs' }
    if ([System.IO.File]::Exists($path)) {
        # Replace keeps the permissions of the file that was there.
        $old = $part + '.old'
        [System.IO.File]::Replace($part, $path, $old)
        [System.IO.File]::Delete($old)
    } else {
        [System.IO.File]::Move($part, $path)
    }
    @{ size = $size }
} else {
    [System.IO.File]::Delete($part)
    @{ deleted = $true }
}
