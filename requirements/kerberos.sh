#!/bin/sh
# What the tests of Kerberos need: MIT's KDC and faketime out of Debian's packages (as root), and the Python libraries of
# client and lab. Quiet and bounded in time; a sentence and exit code 1 where it cannot be had. Nothing is started.
set -u
python=$1
PATH=$PATH:/usr/sbin
tools="krb5kdc kdb5_util kadmin.local kinit faketime krb5-config cc"

have_tools() {
  for tool in $tools; do command -v "$tool" >/dev/null || return 1; done
}

install_tools() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  timeout 60 apt-get -qq update
  timeout 180 apt-get -qq install --no-install-recommends \
    krb5-kdc krb5-admin-server krb5-user faketime libkrb5-dev gcc libc6-dev
}

have_libraries() {
  "$python" -c 'import kerberos, gssapi, krb5'
}

install_libraries() {
  CFLAGS=-O0 timeout 400 "$python" -m pip install --quiet --no-input pykerberos gssapi krb5
}

{ have_tools || install_tools; } </dev/null >/dev/null 2>&1 &&
  { have_libraries || install_libraries; } </dev/null >/dev/null 2>&1 && exit 0
echo "note: Kerberos could not be installed here; its tests are skipped" >&2
exit 1
