param($rbLine)
# The interpreter: dot-sourced for every line of input, so what is below "if" is set up once.
# Windows PowerShell 2.0, ASCII. Names start with rb, so that no script trips over them.

if (-not $global:rbReady) {
    $global:rbScripts = @{}
    $global:rbInvariant = [Globalization.CultureInfo]::InvariantCulture
    $global:rbUtf8 = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
    $global:rbMaxDepth = 32
    # What the plain replacements leave over: control characters, and halves of surrogate pairs, which UTF-8 cannot carry.
    $global:rbOdd = [regex]'[\x00-\x1f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]'
    $global:rbEscape = [System.Text.RegularExpressions.MatchEvaluator] {
        param($rbMatch)
        '\u' + ([int]$rbMatch.Value[0]).ToString('x4', $global:rbInvariant)
    }

    function global:ConvertTo-RbText($rbBase64) {
        $global:rbUtf8.GetString([Convert]::FromBase64String($rbBase64))
    }

    function global:ConvertFrom-RbElement($rbElement) {
        $rbText = $rbElement.InnerText
        switch ($rbElement.GetAttribute('t')) {
            'n' { return $null }
            'b' { return ($rbText -eq 'true') }
            'i' {
                $rbNumber = [decimal]::Parse($rbText, $global:rbInvariant)
                if ($rbNumber -ge [int]::MinValue -and $rbNumber -le [int]::MaxValue) { return [int]$rbNumber }
                if ($rbNumber -ge [long]::MinValue -and $rbNumber -le [long]::MaxValue) { return [long]$rbNumber }
                return $rbNumber
            }
            'd' { return [double]::Parse($rbText, $global:rbInvariant) }
            's' { return (ConvertTo-RbText $rbText) }
            'l' {
                $rbList = New-Object -TypeName System.Collections.ArrayList
                foreach ($rbChild in $rbElement.ChildNodes) { [void]$rbList.Add((ConvertFrom-RbElement $rbChild)) }
                return , $rbList.ToArray()
            }
            'm' {
                $rbMap = @{}
                foreach ($rbChild in $rbElement.ChildNodes) {
                    $rbMap[(ConvertTo-RbText $rbChild.GetAttribute('k'))] = ConvertFrom-RbElement $rbChild
                }
                return $rbMap
            }
        }
        throw ('unknown argument type "' + $rbElement.GetAttribute('t') + '"')
    }

    function global:Add-RbString($rbOut, $rbText) {
        $rbText = $rbText.Replace('\', '\\').Replace('"', '\"').Replace("`r", '\r').Replace("`n", '\n').Replace("`t", '\t')
        if ($global:rbOdd.IsMatch($rbText)) { $rbText = $global:rbOdd.Replace($rbText, $global:rbEscape) }
        [void]$rbOut.Append('"').Append($rbText).Append('"')
    }

    function global:Add-RbNumber($rbOut, $rbValue) {
        if ($rbValue -is [double] -or $rbValue -is [single]) {
            if ([double]::IsNaN($rbValue) -or [double]::IsInfinity($rbValue)) {
                Add-RbString $rbOut $rbValue.ToString($global:rbInvariant)
                return
            }
            $rbText = $rbValue.ToString('R', $global:rbInvariant)
            if ($rbText -match '^-?[0-9]+$') { $rbText = $rbText + '.0' }
            [void]$rbOut.Append($rbText)
            return
        }
        [void]$rbOut.Append($rbValue.ToString($global:rbInvariant))
    }

    function global:Add-RbMembers($rbOut, $rbPairs, $rbDepth) {
        # Pairs: name, value, name, value.
        [void]$rbOut.Append('{')
        for ($rbAt = 0; $rbAt -lt $rbPairs.Count; $rbAt += 2) {
            if ($rbAt -gt 0) { [void]$rbOut.Append(',') }
            Add-RbString $rbOut ([string]$rbPairs[$rbAt])
            [void]$rbOut.Append(':')
            Add-RbValue $rbOut $rbPairs[$rbAt + 1] $rbDepth
        }
        [void]$rbOut.Append('}')
    }

    function global:Add-RbValue($rbOut, $rbValue, $rbDepth) {
        if ($rbDepth -gt $global:rbMaxDepth) { throw "the result is nested deeper than $($global:rbMaxDepth) levels" }
        if ($null -eq $rbValue -or $rbValue -is [DBNull]) { [void]$rbOut.Append('null'); return }
        if ($rbValue -is [string]) { Add-RbString $rbOut ([string]$rbValue); return }
        if ($rbValue -is [bool]) {
            if ($rbValue) { [void]$rbOut.Append('true') } else { [void]$rbOut.Append('false') }
            return
        }
        if ($rbValue -is [Enum]) { Add-RbString $rbOut $rbValue.ToString(); return }
        if ($rbValue -is [int] -or $rbValue -is [long] -or $rbValue -is [double] -or $rbValue -is [uint32] -or
            $rbValue -is [uint64] -or $rbValue -is [int16] -or $rbValue -is [uint16] -or $rbValue -is [byte] -or
            $rbValue -is [sbyte] -or $rbValue -is [single] -or $rbValue -is [decimal]) {
            Add-RbNumber $rbOut $rbValue
            return
        }
        if ($rbValue -is [DateTime]) {
            $rbMoment = $rbValue.ToUniversalTime()
            Add-RbString $rbOut $rbMoment.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", $global:rbInvariant)
            return
        }
        if ($rbValue -is [byte[]]) {
            [void]$rbOut.Append('[').Append([string]::Join(',', [string[]]$rbValue)).Append(']')
            return
        }
        $rbPairs = New-Object -TypeName System.Collections.ArrayList
        if ($rbValue -is [System.Collections.IDictionary]) {
            # Not by $rbValue.Keys: a hashtable may hold an entry of that name.
            foreach ($rbEntry in $rbValue.GetEnumerator()) {
                [void]$rbPairs.Add($rbEntry.Key); [void]$rbPairs.Add($rbEntry.Value)
            }
            Add-RbMembers $rbOut $rbPairs ($rbDepth + 1)
            return
        }
        if ($rbValue.GetType().FullName -eq 'System.Management.Automation.PSCustomObject') {
            foreach ($rbProperty in $rbValue.PSObject.Properties) {
                [void]$rbPairs.Add($rbProperty.Name); [void]$rbPairs.Add($rbProperty.Value)
            }
            Add-RbMembers $rbOut $rbPairs ($rbDepth + 1)
            return
        }
        if ($rbValue -is [System.Collections.IEnumerable] -and $rbValue -isnot [System.Xml.XmlNode]) {
            [void]$rbOut.Append('[')
            $rbFirst = $true
            foreach ($rbItem in $rbValue) {
                if (-not $rbFirst) { [void]$rbOut.Append(',') }
                $rbFirst = $false
                Add-RbValue $rbOut $rbItem ($rbDepth + 1)
            }
            [void]$rbOut.Append(']')
            return
        }
        Add-RbString $rbOut ([string]$rbValue)
    }

    function global:ConvertTo-RbJson($rbValue) {
        $rbOut = New-Object -TypeName System.Text.StringBuilder
        Add-RbValue $rbOut $rbValue 0
        $rbOut.ToString()
    }

    function global:ConvertTo-RbError($rbRecord) {
        $rbTypes = New-Object -TypeName System.Collections.ArrayList
        $rbException = $rbRecord.Exception
        $rbMessage = ''
        if ($rbException -ne $null) { $rbMessage = $rbException.Message }
        if ($rbRecord.ErrorDetails -ne $null -and $rbRecord.ErrorDetails.Message) { $rbMessage = $rbRecord.ErrorDetails.Message }
        while ($rbException -ne $null) {
            [void]$rbTypes.Add($rbException.GetType().FullName)
            $rbException = $rbException.InnerException
        }
        $rbPosition = ''
        if ($rbRecord.InvocationInfo -ne $null) { $rbPosition = [string]$rbRecord.InvocationInfo.PositionMessage }
        @{
            message = [string]$rbMessage
            category = $rbRecord.CategoryInfo.Category.ToString()
            position = $rbPosition.Trim()
            types = $rbTypes.ToArray()
        }
    }

    function global:Write-RbAnswer($rbNonce, $rbNumber, $rbAnswer) {
        try {
            $rbJson = ConvertTo-RbJson $rbAnswer
        } catch {
            $rbJson = ConvertTo-RbJson @{
                ok = $false; value = $null; errors = @(ConvertTo-RbError $_)
                exit_code = $rbAnswer.exit_code; duration_s = $rbAnswer.duration_s
            }
        }
        $rbBase64 = [Convert]::ToBase64String($global:rbUtf8.GetBytes($rbJson))
        # The line end in front closes whatever a script left half written.
        [Console]::Out.Write("`n" + $rbNonce + ' ' + $rbNumber + ' ' + $rbBase64 + "`n")
        [Console]::Out.Flush()
    }

    $global:rbHandshake = {
        param($Arguments)
        $rbBoot = $null
        try {
            $rbSystem = Get-WmiObject -Class Win32_OperatingSystem
            $rbBoot = $rbSystem.ConvertToDateTime($rbSystem.LastBootUpTime).ToUniversalTime().ToString(
                "yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
        } catch {
            $rbBoot = $null
        }
        $rbPage = 0
        try { $rbPage = [Console]::OutputEncoding.CodePage } catch { $rbPage = 0 }
        @{
            version = $PSVersionTable.PSVersion.ToString()
            clr = [Environment]::Version.ToString()
            culture = [Globalization.CultureInfo]::CurrentCulture.Name
            code_page = $rbPage
            boot_id = $rbBoot
            process_id = [System.Diagnostics.Process]::GetCurrentProcess().Id
            computer = [Environment]::MachineName
        }
    }

    function global:Get-RbScript($rbName, $rbDigest, $rbSource) {
        if ($rbName -eq 'handshake') { return $global:rbHandshake }
        if ($rbSource -ne '-') {
            $global:rbScripts[$rbDigest] = [scriptblock]::Create((ConvertTo-RbText $rbSource))
        }
        return $global:rbScripts[$rbDigest]
    }

    function global:Invoke-RbFrame($rbFrame) {
        $rbPart = $rbFrame.Split(' ')
        if ($rbPart.Length -ne 6) {
            [Console]::Out.Write("`nunreadable frame of " + $rbFrame.Length + " characters`n")
            [Console]::Out.Flush()
            return
        }
        $ErrorActionPreference = 'Stop'
        $ProgressPreference = 'SilentlyContinue'
        $WarningPreference = 'Continue'
        $VerbosePreference = 'SilentlyContinue'
        $DebugPreference = 'SilentlyContinue'
        $ConfirmPreference = 'None'
        $WhatIfPreference = $false
        $rbErrors = New-Object -TypeName System.Collections.ArrayList
        $rbValues = New-Object -TypeName System.Collections.ArrayList
        $rbEnded = $true
        $rbKnown = $true
        $rbFolder = [Environment]::CurrentDirectory
        $ExecutionContext.SessionState.Path.PushCurrentLocation('runbook')
        $Error.Clear()
        $global:LASTEXITCODE = $null
        $rbWatch = [System.Diagnostics.Stopwatch]::StartNew()
        try {
            $rbBlock = Get-RbScript $rbPart[2] $rbPart[3] $rbPart[4]
            $rbKnown = $rbBlock -ne $null
            if ($rbKnown) {
                $rbXml = New-Object -TypeName System.Xml.XmlDocument
                $rbXml.LoadXml((ConvertTo-RbText $rbPart[5]))
                $rbArguments = ConvertFrom-RbElement $rbXml.DocumentElement
                $rbXml = $null
                # The loop of one round catches a stray break or continue of the script.
                foreach ($rbOnce in 1) {
                    & $rbBlock $rbArguments 2>&1 | ForEach-Object {
                        if ($_ -isnot [System.Management.Automation.ErrorRecord]) {
                            [void]$rbValues.Add($_)
                        } elseif ($_.FullyQualifiedErrorId -like 'NativeCommandError*') {
                            # What a program writes to its error stream is text, not yet a failure. (Windows PowerShell
                            # under 'Stop' throws its first line; then the catch below has it.)
                            [Console]::Out.Write("`n" + [string]$_ + "`n")
                        } else {
                            [void]$rbErrors.Add((ConvertTo-RbError $_))
                        }
                    }
                }
            }
            $rbEnded = $false
        } catch {
            $rbEnded = $false
            [void]$rbErrors.Add((ConvertTo-RbError $_))
        } finally {
            # Reached by "exit" too: the answer is written before the process goes.
            $rbWatch.Stop()
            $rbAnswer = @{
                ok = $false; value = $null; errors = $rbErrors; exit_code = $global:LASTEXITCODE
                duration_s = $rbWatch.Elapsed.TotalSeconds
            }
            if ($rbValues.Count -eq 1) { $rbAnswer.value = $rbValues[0] }
            if ($rbValues.Count -gt 1) {
                $rbAnswer.value = $rbValues
                [void]$rbErrors.Add(@{
                    message = "the script emitted $($rbValues.Count) objects where one hashtable is expected"
                    category = 'InvalidResult'; position = ''; types = @()
                })
            }
            if ($rbEnded) { $rbAnswer.ended = $true }
            if (-not $rbKnown) { $rbAnswer.unknown_script = $true }
            $rbAnswer.ok = $rbKnown -and -not $rbEnded -and $rbErrors.Count -eq 0
            try {
                $ExecutionContext.SessionState.Path.PopLocation('runbook') | Out-Null
                [Environment]::CurrentDirectory = $rbFolder
            } catch {
                $rbFolder = $null
            }
            Write-RbAnswer $rbPart[0] $rbPart[1] $rbAnswer
        }
    }
    $global:rbReady = $true
}
Invoke-RbFrame $rbLine
