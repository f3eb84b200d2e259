# What a node changes of the machine outside its folder, and how that is undone: a bridge, an address for DNS, a table of
# nftables, settings of the kernel. There is one of each, so a machine has one node at a time: the claim says whose they are.
# Sourced by `lab`.

pod_range=10.244.0.0/24
bridge=larder-lab             # the pods are on it
bridge_address=10.244.0.1     # the machine, as the pods see it; the node's own address
dns_address=169.254.20.10     # outside $service_range: kube-proxy drops addresses in there that no Service has
node_claim=/run/larder-lab-node
kernel_settings=(net.ipv4.ip_forward vm.overcommit_memory kernel.panic kernel.panic_on_oops) # the kubelet sets all but the first

# claim_machine FOLDER: fails while a node is there or another `lab start` makes one; clears away what a killed one left.
claim_machine() {
  local owner starter born
  until (set -o noclobber; echo "$1 $$ $(birth $$)" >$node_claim) 2>/dev/null; do
    read -r owner starter born <$node_claim || die "cannot write $node_claim"
    if [ "$(birth "$starter")" = "$born" ] || any_alive "$owner"; then
      die "a machine has one node, and there is one in $owner: LARDER_LAB_RUN=${owner%/*} lab/lab stop ${owner##*/}"
    fi
    say "clearing away what a node that nobody stopped has left: $owner"
    stop_kubernetes_node "$owner"
  done
  if ip -4 -o address | grep -qF -e " ${pod_range%.*}." -e " $dns_address/" || [ -n "$(ip -4 route show "$pod_range")" ]; then
    rm -f "$node_claim"
    die "this machine uses addresses of $pod_range or $dns_address already, which a node would have"
  fi
}

is_claimed_by() { local owner; read -r owner _ 2>/dev/null <$node_claim && [ "$owner" = "$1" ]; }

bridge_is_there() { [ -e /sys/class/net/$bridge ]; }

# make_network FOLDER. Masquerading is one table of our own, kube-proxy has its own (nftables mode): no iptables anywhere.
make_network() {
  sysctl "${kernel_settings[@]}" >"$1/sysctl"
  sysctl -qw net.ipv4.ip_forward=1
  ip link add $bridge type bridge
  ip address add "$bridge_address/${pod_range#*/}" dev $bridge
  ip link set $bridge up
  ip address add $dns_address/32 dev lo scope host # with global scope it would be taken for the machine's address
  nft -f - <<NFT
table ip larder-lab {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr $pod_range ip daddr != $pod_range oifname != "$bridge" masquerade
  }
}
NFT
}

# undo_network FOLDER: whatever part of it is there.
undo_network() {
  local table
  ip link delete $bridge 2>/dev/null || true
  ip address delete $dns_address/32 dev lo 2>/dev/null || true
  for table in "ip larder-lab" "ip kube-proxy" "ip6 kube-proxy"; do
    # shellcheck disable=SC2086 # family and name
    nft delete table $table 2>/dev/null || true
  done
  if [ -s "$1/sysctl" ]; then sysctl -qp "$1/sysctl" || true; fi
}
