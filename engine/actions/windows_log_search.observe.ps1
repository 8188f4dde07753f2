param($Arguments)
# Finds log files by wildcards and the lines of interest in them, without ever holding a whole file in memory.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$invariant = [Globalization.CultureInfo]::InvariantCulture
$caseless = [Text.RegularExpressions.RegexOptions]'IgnoreCase, CultureInvariant'
$skipped = New-Object Collections.ArrayList
$found = @{}

function Get-Child($folder) {
    $where = $folder
    if ($where.EndsWith(':')) { $where = $where + '\' }
    # Without rights even the question whether it is there fails.
    try { if (Test-Path -LiteralPath $where) { Get-ChildItem -LiteralPath $where -Force } }
    catch { $null = $skipped.Add(@{ path = $folder; why = $_.Exception.Message }) }
}

function Test-Folder($item) {
    # Junctions of a profile ("All Users", "Default User") lead to folders that are listed under their own name as well.
    $item.PSIsContainer -and (($item.Attributes -band [IO.FileAttributes]::ReparsePoint) -eq 0)
}

function Find-File($folder, $segments, $depth) {
    $segment = $segments[0]
    $rest = @($segments | Select-Object -Skip 1)
    if ($segment -eq '**') {
        Find-File $folder $rest $depth
        if ($depth -lt 1) { return }
        foreach ($item in @(Get-Child $folder)) {
            if (Test-Folder $item) { Find-File ($folder + '\' + $item.Name) $segments ($depth - 1) }
        }
        return
    }
    if ($rest.Length -gt 0 -and $segment -notmatch '[*?]') {
        Find-File ($folder + '\' + $segment) $rest $depth
        return
    }
    $wanted = '^' + [regex]::Escape($segment).Replace('\*', '.*').Replace('\?', '.') + '$'
    foreach ($item in @(Get-Child $folder)) {
        if (-not [regex]::IsMatch($item.Name, $wanted, $caseless)) { continue }
        $path = $folder + '\' + $item.Name
        if ($rest.Length -gt 0) {
            if (Test-Folder $item) { Find-File $path $rest $depth }
        } elseif (-not $item.PSIsContainer) {
            $found[$path.ToUpperInvariant()] = @{ path = $path; item = $item }
        }
    }
}

function Open-Shared($name) {
    # Setup may still hold its log open for writing.
    New-Object IO.FileStream($name, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete')
}

function Test-Utf8($stream) {
    $decoder = (New-Object Text.UTF8Encoding($false, $true)).GetDecoder()
    $bytes = New-Object 'byte[]' 65536
    $chars = New-Object 'char[]' 65537
    while (($count = $stream.Read($bytes, 0, $bytes.Length)) -gt 0) {
        try { $null = $decoder.GetChars($bytes, 0, $count, $chars, 0, $false) } catch { return $false }
    }
    return $true
}

function Get-EncodingName($name) {
    $stream = Open-Shared $name
    try {
        $head = New-Object 'byte[]' 1024
        $count = $stream.Read($head, 0, $head.Length)
        if ($count -ge 3 -and $head[0] -eq 0xEF -and $head[1] -eq 0xBB -and $head[2] -eq 0xBF) { return 'utf-8' }
        if ($count -ge 2 -and $head[0] -eq 0xFF -and $head[1] -eq 0xFE) { return 'utf-16-le' }
        if ($count -ge 2 -and $head[0] -eq 0xFE -and $head[1] -eq 0xFF) { return 'utf-16-be' }
        # No mark: Latin text as UTF-16 has a zero in nearly every second byte.
        $even = 0
        $odd = 0
        for ($i = 0; $i -lt $count; $i++) {
            if ($head[$i] -eq 0) { if ($i % 2) { $odd++ } else { $even++ } }
        }
        $pairs = ($count - $count % 2) / 2
        if ($pairs -gt 0 -and $odd * 10 -ge $pairs * 4 -and $even * 10 -lt $pairs) { return 'utf-16-le' }
        if ($pairs -gt 0 -and $even * 10 -ge $pairs * 4 -and $odd * 10 -lt $pairs) { return 'utf-16-be' }
        $stream.Position = 0
        if (Test-Utf8 $stream) { return 'utf-8' }
        return 'cp1252'
    } finally { $stream.Close() }
}

function Get-Encoding($name) {
    if ($name -eq 'utf-16-le') { return (New-Object Text.UnicodeEncoding($false, $true)) }
    if ($name -eq 'utf-16-be') { return (New-Object Text.UnicodeEncoding($true, $true)) }
    if ($name -eq 'cp1252') { return [Text.Encoding]::GetEncoding(1252) }
    return (New-Object Text.UTF8Encoding($false))
}

function Get-Expression($rule) {
    # A rule is a list of texts that must all occur, or one regular expression.
    if ($rule.regex) { return , @(New-Object Text.RegularExpressions.Regex($rule.regex, $caseless)) }
    $all = New-Object Collections.ArrayList
    foreach ($text in @($rule.contains)) {
        $null = $all.Add((New-Object Text.RegularExpressions.Regex([regex]::Escape($text), $caseless)))
    }
    return , $all.ToArray()
}

function Test-Line($expressions, $line) {
    foreach ($one in $expressions) { if (-not $one.IsMatch($line)) { return $false } }
    return $true
}

function Limit-Text($line) {
    if ($line.Length -le $Arguments.max_text) { return $line }
    return $line.Substring(0, $Arguments.max_text)
}

$rules = New-Object Collections.ArrayList
$parts = New-Object Collections.ArrayList
foreach ($pattern in @($Arguments.patterns)) {
    $rule = @{ id = $pattern.id; line = (Get-Expression $pattern); bind = $null; require = @() }
    $null = $parts.Add('(?:' + $rule.line[0].ToString() + ')')
    if ($pattern.bind) {
        $rule.bind = Get-Expression $pattern.bind
        if ($pattern.bind.require) { $rule.require = Get-Expression @{ contains = $pattern.bind.require } }
        $null = $parts.Add('(?:' + $rule.bind[0].ToString() + ')')
    }
    $null = $rules.Add($rule)
}
# One expression decides quickly that a line interests nobody. Expressions that refer to their own groups or ignore blanks
# mean something else within another; with such a one each line is looked at by all of them.
if (@($parts.ToArray() -match '\\[1-9k]|\(\?\(|\(\?[a-wyz]*x').Length -gt 0) { $parts.Clear() }
$interesting = New-Object Text.RegularExpressions.Regex(($parts.ToArray() -join '|'), $caseless)

foreach ($glob in @($Arguments.files)) {
    $segments = @($glob.Split('\'))
    Find-File $segments[0] @($segments | Select-Object -Skip 1) $Arguments.depth
}
$names = [string[]]@($found.Keys)
[Array]::Sort($names, [StringComparer]::Ordinal)

$files = New-Object Collections.ArrayList
$hits = New-Object Collections.ArrayList
foreach ($name in $names) {
    $path = $found[$name].path
    $item = $found[$name].item
    if ($item.Length -gt $Arguments.max_bytes) {
        $null = $skipped.Add(@{ path = $path; why = ('larger than ' + $Arguments.max_bytes + ' bytes') })
        continue
    }
    try {
        $encoding = Get-EncodingName $item.FullName
        $stream = Open-Shared $item.FullName
    } catch {
        $null = $skipped.Add(@{ path = $path; why = $_.Exception.GetBaseException().Message })
        continue
    }
    $reader = New-Object IO.StreamReader($stream, (Get-Encoding $encoding), $true)
    $number = 0
    $anchors = @{}
    $full = $hits.Count -ge $Arguments.max_matches
    try {
        while ((-not $full) -and ($line = $reader.ReadLine()) -ne $null) {
            $number++
            if (-not $interesting.IsMatch($line)) { continue }
            foreach ($rule in $rules) {
                if ($full -or -not (Test-Line $rule.line $line)) { continue }
                $hit = @{ pattern = $rule.id; path = $path; line = $number; text = (Limit-Text $line); bound_line = $null; bound_text = $null }
                if ($rule.bind) {
                    $anchor = $anchors[$rule.id]
                    if ($anchor -eq $null -or -not (Test-Line $rule.require $anchor.text)) { continue }
                    $hit.bound_line = $anchor.line
                    $hit.bound_text = Limit-Text $anchor.text
                }
                $null = $hits.Add($hit)
                $full = $hits.Count -ge $Arguments.max_matches
            }
            foreach ($rule in $rules) {
                if ($rule.bind -and (Test-Line $rule.bind $line)) { $anchors[$rule.id] = @{ line = $number; text = $line } }
            }
        }
    } finally { $reader.Close() }
    $null = $files.Add(@{
        path = $path
        size = $item.Length
        modified = $item.LastWriteTimeUtc.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $invariant)
        encoding = $encoding
        lines = $number
        complete = -not $full
    })
}

@{ files = $files.ToArray(); matches = $hits.ToArray(); skipped = $skipped.ToArray(); truncated = ($hits.Count -ge $Arguments.max_matches) }
