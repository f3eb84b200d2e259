# Certificates and users of the nodes that are started with --tls: a CA for each run, basic auth admin:admin. Who shows a certificate of
# that CA for CN=lab-client needs no password: to Search Guard and OpenSearch it is an administrator, to x-pack a user without roles yet.
# Sourced by `lab`. For tests only: the keys protect nothing.

# lab_authority: the run's CA, in $run/tls.
lab_authority() {
  local d=$run/tls
  [ ! -e "$d/.done" ] || return 0
  mkdir -p "$d"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=lab-ca -keyout "$d/ca.key" -out "$d/ca.crt" 2>/dev/null
  touch "$d/.done"
}

# node_certificate FOLDER NAMES: signed by the CA, for these names and this machine's own.
node_certificate() {
  local d=$1
  openssl req -newkey rsa:2048 -nodes -subj /CN=node -keyout "$d/node.key" -out "$d/node.csr" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "DNS:localhost,IP:127.0.0.1${2:+,$2}" >"$d/node.ext"
  openssl x509 -req -in "$d/node.csr" -CA "$run/tls/ca.crt" -CAkey "$run/tls/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -days 3650 -out "$d/node.crt" -extfile "$d/node.ext" 2>"$d/log" || die "--san $2: $(tail -1 "$d/log")"
}

# secure VERSION CONFDIR NAMES: makes certificate and users there, prints the settings that use them.
secure() {
  local v=$1 conf=$2 names=$3 layer hash='$2a$12$VcCDgh2NDk07JGN0rjGbM.Ad41qVR/YFJcgHp0UGns5JDymv..TOG' # admin
  mkdir -p "$conf/tls"
  cp "$run/tls/ca.crt" "$conf/tls/"
  node_certificate "$conf/tls" "$names"
  case $(kind "$v") in
    core)
      echo "admin:$hash" >"$conf/users"
      echo superuser:admin >"$conf/users_roles"
      echo "xpack.security.enabled: true"
      # Rights to documents and fields are none of the free edition, nor are logins by certificate.
      echo "xpack.license.self_generated.type: trial"
      echo "xpack.security.http.ssl.client_authentication: optional"
      echo "xpack.security.authc.realms.file.file.order: 0"
      echo "xpack.security.authc.realms.native.native.order: 1"
      echo "xpack.security.authc.realms.pki.pki.order: 2"
      for layer in http transport; do
        echo "xpack.security.$layer.ssl.enabled: true"
        echo "xpack.security.$layer.ssl.key: tls/node.key"
        echo "xpack.security.$layer.ssl.certificate: tls/node.crt"
        echo "xpack.security.$layer.ssl.certificate_authorities: [tls/ca.crt]"
      done
      ;;
    zip)
      for layer in http transport; do echo "searchguard.ssl.$layer.enabled: true"; done
      pem_settings searchguard
      echo "searchguard.enterprise_modules_enabled: false"
      echo "searchguard.allow_default_init_sgindex: true"
      ;;
    jars)
      cp -r "$cache/elasticsearch/lib/$v+tls/config" "$conf/opensearch-security"
      echo "plugins.security.ssl.http.enabled: true"
      pem_settings plugins.security
      echo "plugins.security.allow_default_init_securityindex: true"
      echo 'plugins.security.restapi.roles_enabled: ["all_access"]'
      ;;
  esac
}

# pem_settings PREFIX: Search Guard and OpenSearch's plugin, which descends from it, say it alike.
pem_settings() {
  local layer
  for layer in http transport; do
    echo "$1.ssl.$layer.pemkey_filepath: tls/node.key"
    echo "$1.ssl.$layer.pemcert_filepath: tls/node.crt"
    echo "$1.ssl.$layer.pemtrustedcas_filepath: tls/ca.crt"
  done
  echo "$1.ssl.transport.enforce_hostname_verification: false"
  echo "$1.nodes_dn: ['CN=node']"
  echo "$1.authcz.admin_dn: ['CN=lab-client']"
}
