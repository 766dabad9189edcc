# HTPASSWD holds one line `user:bcrypt hash`; a hash, so it may stand in the environment.
set -eu
umask 077
printf '%s\n' "$HTPASSWD" > /run/htpasswd
exec docker-registry serve /etc/docker/registry/config.yml
