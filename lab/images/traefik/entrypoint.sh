#!/bin/sh
# Starts Traefik under the official image's contract: options alone, or a subcommand, mean traefik.
set -e

case ${1:-} in
  -*) set -- traefik "$@" ;;
esac
if traefik "${1:-}" --help >/dev/null 2>&1; then
  set -- traefik "$@"
fi
exec "$@"
