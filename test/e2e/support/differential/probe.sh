#!/bin/sh
# Plays every program that the corpus runs: a server on the ports that its image, its arguments or PORT name, a client that
# is content, or a command that ends. Called by the name of what it plays.
play=${0##*/}

case $play in
  curl | pg_isready | redis-cli | valkey-cli | mysqladmin | mariadb-admin | mongosh | rabbitmq-diagnostics | healthcheck.sh | nc) exit 0 ;;
esac

# Scripts of health checks.
case "$play $* " in "python"*" -c "* | "node -e "* | *healthcheck*) exit 0 ;; esac

# A command that ends: what it is to end with is in its words, or its environment.
case " $play $* " in
  *migrate* | *\ seed* | *\ setup* | *" init"* | *createdb*)
    echo "$play $* as $(id -u):$(id -g) in $PWD"
    exit "${PROBE_EXIT:-0}"
    ;;
esac

ports="$PROBE_PORTS ${PORT-} $(printf '%s ' "$@" | grep -oE '(:|--port[= ]|-p )[0-9]{2,5}\b' | grep -oE '[0-9]+')"
trap 'kill $(jobs -p) 2>/dev/null; exit 0' HUP INT QUIT TERM USR1 USR2 WINCH
for port in $(printf %s "$ports" | tr ' ' '\n' | sort -u); do
  case $port in
    22 | 25 | 1883 | 2181 | 3306 | 4222 | 5432 | 5672 | 6379 | 9000 | 9092 | 11211 | 27017) busybox nc -ll -p "$port" -e /bin/banner & ;;
    *) busybox httpd -f -p "$port" -h /www & ;;
  esac
done
while :; do
  sleep 3600 &
  wait $!
done
