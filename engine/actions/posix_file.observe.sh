# What lies at a path, as lines NAME=VALUE.
set -u
if [ ! -e "$RB_PATH" ] && [ ! -L "$RB_PATH" ]; then
  echo found=no
  exit 0
fi
echo found=yes
if [ -d "$RB_PATH" ]; then
  echo kind=folder
elif [ -f "$RB_PATH" ]; then
  echo kind=file
  echo size=$(($(wc -c <"$RB_PATH")))
  if command -v sha256sum >/dev/null 2>&1; then
    digest=$(sha256sum <"$RB_PATH") || exit 1
  else
    digest=$(shasum -a 256 <"$RB_PATH") || exit 1
  fi
  echo "sha256=${digest%% *}"
else
  echo kind=other
fi
echo "mode=$(stat -L -c %a -- "$RB_PATH" 2>/dev/null || stat -L -f %Lp -- "$RB_PATH")"
