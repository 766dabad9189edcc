#!/usr/bin/env bash
# Starts PostgreSQL under the official image's contract: what initialises an empty PGDATA, and how, is in the environment.
#
# $PGDATA/.initialising exists from before the first file until after the last script. Where it is found at a start, the
# initialisation was cut short, nobody was ever served from it, and it begins anew. The marker can lie in PGDATA because
# initdb, which wants an empty directory, works below the marker and its files are moved up.
set -Eeo pipefail
readonly sockets=/var/run/postgresql,/tmp # where others look for the socket, and where the wheel's own clients do

fail() {
  printf 'docker-entrypoint: %s\n' "$*" >&2
  exit 1
}

# file_env NAME [DEFAULT]: export NAME: its own value, else what is in the file named by NAME_FILE, else DEFAULT.
file_env() {
  local name=$1 file_name=${1}_FILE value=${2:-}
  if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
    fail "both $name and $file_name are set; set one of them"
  elif [[ -n ${!name:-} ]]; then
    value=${!name}
  elif [[ -n ${!file_name:-} ]]; then
    value=$(<"${!file_name}")
  fi
  export "$name=$value"
  unset "$file_name"
}

# Does an argument make postgres print something and end?
only_informs() {
  local argument
  for argument; do
    case $argument in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

read_settings() {
  file_env POSTGRES_PASSWORD
  file_env POSTGRES_USER postgres
  file_env POSTGRES_DB "$POSTGRES_USER"
  file_env POSTGRES_INITDB_ARGS
}

prepare_directories() {
  mkdir -p "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"}
  chmod 0700 "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} || true
  chmod 3775 /var/run/postgresql || true
  if ((EUID == 0)); then
    find "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} \
      ! -user postgres -exec chown postgres {} +
  fi
}

# docker_process_sql [psql option ...]: what a script in /docker-entrypoint-initdb.d may call, as may it file_env and the
# array `psql`. A later --dbname outranks this one.
docker_process_sql() {
  PGHOST='' PGHOSTADDR='' psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc \
    --dbname "$POSTGRES_DB" "$@"
}

create_database() {
  local sql=(docker_process_sql --dbname postgres --set "db=$1" --tuples-only)
  if [[ -z $("${sql[@]}" <<<"SELECT 1 FROM pg_database WHERE datname = :'db'") ]]; then
    "${sql[@]}" <<<'CREATE DATABASE :"db"'
  fi
}

process_init_files() {
  local file
  # shellcheck disable=SC2034  # for sourced scripts
  psql=(docker_process_sql)
  for file in /docker-entrypoint-initdb.d/*; do
    [[ -e $file ]] || continue # the directory is empty
    printf 'docker-entrypoint: %s\n' "$file"
    case $file in
      *.sh)
        if [[ -x $file ]]; then
          "$file"
        else
          # shellcheck source=/dev/null
          . "$file"
        fi
        ;;
      *.sql) docker_process_sql --file "$file" ;;
      *.sql.gz) gunzip --stdout "$file" | docker_process_sql ;;
      *.sql.xz) xzcat "$file" | docker_process_sql ;;
      *.sql.zst) zstd --decompress --stdout "$file" | docker_process_sql ;;
      *) printf 'docker-entrypoint: ignored, it is neither *.sh nor *.sql[.gz|.xz|.zst]\n' ;;
    esac
  done
}

# Make the marker, or take over the one that an interrupted initialisation left, and clear what that one wrote.
claim_directory() {
  if [[ ! -d $marker ]]; then
    [[ -z $(ls -A "$PGDATA") ]] || fail "$PGDATA is neither empty nor a database; empty it, or set PGDATA to a directory in it"
    mkdir "$marker"
  fi
  exec {lock}<"$marker"
  flock --nonblock "$lock" || fail "another container is initialising $PGDATA; wait for it or stop it"
  find "$PGDATA" -mindepth 1 ! -path "$marker" -delete
}

# initialise [postgres option ...]
initialise() {
  if [[ -z $POSTGRES_PASSWORD && ${POSTGRES_HOST_AUTH_METHOD:-} != trust ]]; then
    fail "a new database needs a superuser password: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" \
      "(or POSTGRES_HOST_AUTH_METHOD=trust, to let everyone in)"
  fi
  ls /docker-entrypoint-initdb.d >/dev/null
  claim_directory

  # POSTGRES_INITDB_ARGS is shell text: its quotes count.
  eval 'initdb --pgdata="$marker/data" --no-instructions --username="$POSTGRES_USER" ' \
    '--set listen_addresses="*" --set unix_socket_directories="$sockets" ' \
    '--pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_WALDIR:+--waldir "$POSTGRES_INITDB_WALDIR"} ' \
    "$POSTGRES_INITDB_ARGS"
  mv "$marker"/data/* "$PGDATA/"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}" \
    >>"$PGDATA/pg_hba.conf"

  # Until the last script has run the server answers on its sockets only, so that no health check passes too early.
  export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  PGUSER=${PGUSER:-$POSTGRES_USER} pg_ctl --pgdata="$PGDATA" --wait start --options="$(printf '%q ' "$@" \
    -c listen_addresses= -c "unix_socket_directories=$sockets" -p "${PGPORT:-5432}")"
  create_database "$POSTGRES_DB"
  process_init_files
  PGUSER=${PGUSER:-postgres} pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
  unset PGPASSWORD

  rm -r "$marker"
  exec {lock}<&-
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

main() {
  if [[ ${1:-} == -* ]]; then
    set -- postgres "$@"
  fi
  if [[ ${1:-} == postgres ]] && ! only_informs "$@"; then
    read_settings
    prepare_directories
    if ((EUID == 0)); then
      exec gosu postgres "${BASH_SOURCE[0]}" "$@"
    fi
    marker=$PGDATA/.initialising
    if [[ ! -s $PGDATA/PG_VERSION || -d $marker ]]; then
      initialise "${@:2}"
    fi
  fi
  exec "$@"
}

main "$@"
