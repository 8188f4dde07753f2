#!/bin/sh
# Make the virtual environment $2 with the Python named $1 (empty: the first suitable one of the PATH), or say in one
# sentence why that cannot be. What was begun and could not be finished is removed again.
set -eu

wanted=$1
folder=$2
oldest='3, 11'
newest='3, 13'

complain() {
    echo "error: $1" >&2
    echo "  remedy: $2" >&2
    exit 1
}

version_of() { "$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null; }
is_within() { "$1" -c "import sys; sys.exit(not (($oldest) <= sys.version_info[:2] <= ($2)))" 2>/dev/null; }

find_python() {
    for newest_allowed in "$newest" '99, 0'; do
        for name in python3 python3.13 python3.12 python3.11 python; do
            if is_within "$name" "$newest_allowed"; then
                echo "$name"
                return
            fi
        done
    done
}

if [ -n "$wanted" ]; then
    found=$(version_of "$wanted") || complain "there is no Python that runs as $wanted" \
        "name one: make PYTHON=/path/to/python3.11"
    is_within "$wanted" '99, 0' || complain "Python 3.11 or later is needed, and $wanted is $found" \
        "name another: make PYTHON=python3.11"
    python=$wanted
else
    python=$(find_python)
    [ -n "$python" ] || complain "Python 3.11 or later is needed, and none was found (python3 is: $(version_of python3 || echo absent))" \
        "install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.11"
fi
is_within "$python" "$newest" || echo "note: this is Python $(version_of "$python"); 3.11 to 3.13 are the tested ones" >&2

"$python" -c 'import venv, ensurepip' 2>/dev/null || complain "$python $(version_of "$python") has no venv module" \
    "install it (on Debian and Ubuntu: apt install python3-venv), or name another: make PYTHON=python3.11"
"$python" -m venv --clear "$folder" || {
    rm -rf "$folder"
    complain "the environment $folder could not be made by $python -m venv" \
        "read the lines above; is the disk full, or the folder read-only?"
}
