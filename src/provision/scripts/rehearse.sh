# Tells which packages of the host an installation would remove, by the lists that its apt has now.
# Changes nothing. Instructions come on stdin: package NAME.

wanted=
take() { case $1 in package) wanted="$wanted $(decode "$2")" ;; esac; }
instructions take || exit 1
# shellcheck disable=SC2086 # A list of packages.
fact removes "$(apt-get -s install --no-install-recommends $wanted 2>/dev/null | awk '$1 == "Remv" { printf "%s ", $2 }')"
