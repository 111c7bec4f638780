# shellcheck shell=sh
# How debootstrap makes a Debian, as its own script for sid has it, with one difference: a package
# that its resolver names twice is extracted once. Debootstrap 1.0.128 extracts it twice and then
# gives up, because the files are there (first seen with liblz4-1 in forky).

# shellcheck source=/dev/null
. "$DEBOOTSTRAP_DIR/scripts/sid"

# debfor PACKAGE...: prints the paths of their archives; the function of debootstrap's that this
# replaces prints a path for each time that a package is named.
debfor() (
  while read -r package path; do
    for name in "$@"; do
      if [ "$name" = "$package" ]; then
        echo "$path"
        break
      fi
    done
  done <"$TARGET/debootstrap/debpaths"
)
