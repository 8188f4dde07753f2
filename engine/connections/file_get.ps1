param($Arguments)
# Reads a piece of a file, also of one that another process writes to. Windows PowerShell 2.0.
$ErrorActionPreference = 'Stop'

$item = Get-Item -LiteralPath $Arguments.path -Force
if ($item.PSIsContainer) { throw 'this is a folder, not a file' }
$stream = [System.IO.File]::Open($item.FullName, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read,
    [System.IO.FileShare]'ReadWrite, Delete')
try {
    $size = $stream.Length
    $stream.Position = [long]$Arguments.offset
    $buffer = New-Object -TypeName byte[] -ArgumentList ([int]$Arguments.count)
    $filled = 0
    while ($filled -lt $buffer.Length) {
        $read = $stream.Read($buffer, $filled, $buffer.Length - $filled)
        if ($read -eq 0) { break }
        $filled += $read
    }
} finally {
    $stream.Close()
}
@{ size = $size; piece = [Convert]::ToBase64String($buffer, 0, $filled) }
