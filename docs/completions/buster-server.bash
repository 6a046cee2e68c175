# Completions of buster-server for bash.
_buster_server() {
  local word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  case ${COMP_WORDS[COMP_CWORD-1]} in
    -a|--a|-addr|--addr|-net|--net) mapfile -t COMPREPLY < <(true); return ;;
    -p|--p|-port|--port) mapfile -t COMPREPLY < <(true); return ;;
    -n|--n|-name|--name|-server_name|--server_name) mapfile -t COMPREPLY < <(true); return ;;
    -client_advertise|--client_advertise) mapfile -t COMPREPLY < <(true); return ;;
    -P|--P|-pid|--pid) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -ports_file_dir|--ports_file_dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    -c|--c|-config|--config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -sl|--sl|-signal|--signal) mapfile -t COMPREPLY < <(compgen -W 'ldm stop quit term reopen reload' -- "$word"); return ;;
    -shards|--shards) mapfile -t COMPREPLY < <(true); return ;;
    -placement|--placement) mapfile -t COMPREPLY < <(compgen -W 'load spread' -- "$word"); return ;;
    -busy-poll|--busy-poll|-busy_poll|--busy_poll) mapfile -t COMPREPLY < <(true); return ;;
    -io|--io) mapfile -t COMPREPLY < <(compgen -W 'auto uring epoll' -- "$word"); return ;;
    -one-port|--one-port) mapfile -t COMPREPLY < <(true); return ;;
    -one-port-wait|--one-port-wait) mapfile -t COMPREPLY < <(true); return ;;
    -m|--m|-http_port|--http_port) mapfile -t COMPREPLY < <(true); return ;;
    -ms|--ms|-https_port|--https_port) mapfile -t COMPREPLY < <(true); return ;;
    -l|--l|-log|--log) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -log_size_limit|--log_size_limit) mapfile -t COMPREPLY < <(true); return ;;
    -r|--r|-remote_syslog|--remote_syslog) mapfile -t COMPREPLY < <(true); return ;;
    -max_traced_msg_len|--max_traced_msg_len) mapfile -t COMPREPLY < <(true); return ;;
    -sd|--sd|-store_dir|--store_dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    -user|--user) mapfile -t COMPREPLY < <(true); return ;;
    -pass|--pass) mapfile -t COMPREPLY < <(true); return ;;
    -auth|--auth) mapfile -t COMPREPLY < <(true); return ;;
    -cluster|--cluster) mapfile -t COMPREPLY < <(true); return ;;
    -cluster_listen|--cluster_listen) mapfile -t COMPREPLY < <(true); return ;;
    -cluster_name|--cluster_name) mapfile -t COMPREPLY < <(true); return ;;
    -routes|--routes) mapfile -t COMPREPLY < <(true); return ;;
    -cluster_advertise|--cluster_advertise) mapfile -t COMPREPLY < <(true); return ;;
    -connect_retries|--connect_retries) mapfile -t COMPREPLY < <(true); return ;;
    -tlscert|--tlscert) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -tlskey|--tlskey) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -tlscacert|--tlscacert) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    fsck|backup|restore|import-store) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W '-a --addr --net -p --port -n --name --server_name --client_advertise -P --pid --ports_file_dir -c --config -t -sl --signal --shards --placement --busy-poll --busy_poll --io --colocate --one-port --one-port-wait -m --http_port -ms --https_port -l --log --log_size_limit -s --syslog -r --remote_syslog -T --logtime --logtime_utc -D --debug -V --trace --max_traced_msg_len -VV -DV -DVV -js --jetstream -sd --store_dir --user --pass --auth --cluster --cluster_listen --cluster_name --routes --cluster_advertise --no_advertise --connect_retries --tls --tlscert --tlskey --tlsverify --tlscacert --ktls -h --help -v --version --help_tls fsck backup restore import-store replay http dev' -- "$word")
}
complete -o filenames -F _buster_server buster-server nats-server
