#!/bin/sh
# Starts Redis under the official image's contract: options or a *.conf file alone mean redis-server, and only
# redis-server (not `sh`, not `redis-cli`) gives up root, after /data was made its own.
set -e

case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis {} +
  exec gosu redis "$0" "$@"
fi
if [ "$(umask)" = 0022 ]; then
  umask 0077
fi
exec "$@"
