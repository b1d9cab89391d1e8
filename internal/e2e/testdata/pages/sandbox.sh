# Runs the blocks of a page in namespaces of their own: files, processes, network.
# $1 is the folder with the blocks and the script, $2 the supervisor's program.
set -eu

layers=/mnt
mount -t tmpfs tmpfs $layers
W=$layers/page
mkdir $W
mount --bind "$1" $W
for folder in /etc /srv /run /var /usr/local /home /tmp /opt; do
    mkdir -p $layers$folder/upper $layers$folder/work
    chmod --reference=$folder $layers$folder/upper
    mount -t overlay overlay -o lowerdir=$folder,upperdir=$layers$folder/upper,workdir=$layers$folder/work $folder
done
ip link set lo up

install -m 755 "$2" /usr/local/bin/fcgi-supervisor
mkdir -p /etc/fcgi-supervisor/conf.d /run/fcgi-supervisor
echo 'include = ["conf.d/*.toml"]' >/etc/fcgi-supervisor/fcgi-supervisor.toml
echo '127.0.0.1 localhost blog.example.org' >/etc/hosts
export GOCACHE=${GOCACHE:-$HOME/.cache/go-build} HOME=/home/you
mkdir $HOME
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH

# What a page says to install is in .ci/packages.
apt-get() {
    shift 2 # install -y
    dpkg-query --show "$@"
}
sudo() { "$@"; }

# halt PIDFILE ends what it names, if that runs.
halt() {
    [ -e "$1" ] || return 0
    local pid
    pid=$(cat "$1")
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f "$1"
}

# systemctl does what the unit of Debian would: no systemd runs here.
systemctl() {
    case "${*: -1}" in
    nginx) nginx -s reload 2>/dev/null || nginx ;;
    apache2)
        halt /run/lighttpd.pid # it has the port
        apache2ctl graceful ;;
    lighttpd)
        install -d -o www-data /run/lighttpd
        halt /run/lighttpd.pid
        lighttpd -f /etc/lighttpd/lighttpd.conf ;;
    caddy) setpriv --reuid caddy --regid caddy --clear-groups --ambient-caps +net_bind_service --inh-caps +net_bind_service \
        env HOME=/var/lib/caddy caddy start --config /etc/caddy/Caddyfile ;;
    haproxy) haproxy -D -f /etc/haproxy/haproxy.cfg ;;
    h2o) h2o -m daemon -c /etc/h2o/h2o.conf ;;
    fcgiwrap.socket) ;; # disable
    *) echo "systemctl $*: not known here" >&2; return 1 ;;
    esac
}

# The supervisor of the page is started when somebody asks for it, and anew when a
# file of its configuration was written.
stale=yes
running=
broken= # not empty: a pool of the page does not start
fcgi-supervisor() {
    case $1 in
    run) start "$@" ;;
    dev) develop "$@" ;;
    request | status | reload | restart | stop | start | scale | events | logs)
        case "$*" in
        *unix:* | *--control*) ;;
        *) [ -z "$stale" ] || start run ;;
        esac
        command fcgi-supervisor "$@" ;;
    *) command fcgi-supervisor "$@" ;;
    esac
}

start() {
    case "$*" in *--runtime-dir*) # beside the other
        command fcgi-supervisor "$@" >"$W/beside.log" 2>&1 &
        until grep -q 'listening on' "$W/beside.log"; do sleep 0.1; done
        return ;;
    esac
    if [ -n "$running" ]; then
        kill "$running"
        wait "$running"
    fi
    stale=
    command fcgi-supervisor "$@" >"$W/supervisor.log" 2>&1 &
    running=$!
    local sign='[0-9] workers? ready'
    [ -z "$broken" ] || sign='[6-9] failed starts' # so that the next one is seconds away
    until grep -Eq "$sign" "$W/supervisor.log"; do
        kill -0 $running
        sleep 0.1
    done
    [ -z "$broken" ] || return 0
    case "$*" in *--listen*) ;; *)
        until command fcgi-supervisor status --ready >"$W/status" && ! grep -q starting "$W/status"; do sleep 0.1; done ;;
    esac
    cat "$W/supervisor.log"
}

# develop asks the front for a page, and ends it.
develop() {
    command fcgi-supervisor dev --http 127.0.0.1:7000 "${@:2}" >>"$W/supervisor.log" 2>&1 &
    local pid=$! path=/
    case "$*" in *"--prefix /app "*) path=/app/ ;; esac
    until curl -sf "http://127.0.0.1:7000$path"; do
        kill -0 $pid || return 1
        sleep 0.1
    done
    kill $pid
    wait $pid
}

# put PATH BLOCK MODE writes a file.
put() {
    install -D -m "$3" "$W/$2" "$1"
    case $1 in *.toml) stale=yes ;; esac
}

# add PATH BLOCK adds to a file.
add() {
    cat "$W/$2" >>"$1"
    stale=yes
}

# try BLOCK runs a block, of which every command must succeed.
try() {
    block=$1
    . "$W/$1" >"$W/$1.out" 2>&1
    block=
}

# fail BLOCK runs one whose last command must not.
fail() {
    set +e
    . "$W/$1" >"$W/$1.out" 2>&1
    local code=$?
    set -e
    [ $code != 0 ] || { echo "$1 succeeds"; cat "$W/$1"; exit 1; }
}

ended() {
    local code=$?
    [ -z "$block" ] || { echo "--- $block:"; cat "$W/$block"; echo "--- it says:"; cat "$W/$block.out"; }
    [ $code = 0 ] || tail -n 40 "$W/supervisor.log"
}

block=
trap ended EXIT
. "$W/script"
