# Runs one program with its arguments, each exactly as given; no shell reads them again.
set --
n=1
while [ "$n" -le "$RB_COUNT" ]; do
  eval "set -- \"\$@\" \"\$RB_ARG$n\""
  n=$((n + 1))
done
if [ -n "$RB_DIRECTORY" ]; then
  cd -- "$RB_DIRECTORY" || exit 125
fi
exec "$@" </dev/null
